import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir';
import { SANDBOX_ID } from './ids';
import { SandboxRecord } from './record';

export type SetAside = { file: string; reason: string };

/**
 * Keeps each sandbox in a JSON file. Writing to a temporary file and renaming it survives a kill of the engine. After a
 * power failure a file may be empty, and is then set aside.
 */
export class RecordFiles {
  readonly #dataDir: DataDir;

  constructor(dataDir: DataDir) {
    this.#dataDir = dataDir;
  }

  /** Reads every record. Moves unreadable ones to the set-aside directory, together with the sandbox's files. */
  load(): { records: SandboxRecord[]; setAside: SetAside[] } {
    const records: SandboxRecord[] = [];
    const setAside = this.#earlierSetAside();
    for (const file of readdirSync(this.#dataDir.records)) {
      if (file.endsWith('.tmp')) {
        rmSync(join(this.#dataDir.records, file), { force: true, recursive: true });
        continue;
      }
      const outcome = this.#read(file);
      if (typeof outcome === 'string') setAside.push(this.#moveAside(file, outcome));
      else records.push(outcome);
    }
    return { records, setAside };
  }

  /** Synchronous, because a response must not precede its record. Takes about 0.1 ms. */
  save(record: SandboxRecord): void {
    const path = this.#pathOf(record.id);
    const temporary = `${path}.tmp`;
    writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
    renameSync(temporary, path);
  }

  delete(id: string): void {
    rmSync(this.#pathOf(id), { force: true });
  }

  #pathOf(id: string): string {
    return join(this.#dataDir.records, `${id}.json`);
  }

  /** The record in a file, or the reason it cannot be read. */
  #read(file: string): SandboxRecord | string {
    try {
      const parsed = SandboxRecord.safeParse(
        JSON.parse(readFileSync(join(this.#dataDir.records, file), 'utf8')),
      );
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        return `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'invalid'}`;
      }
      if (`${parsed.data.id}.json` !== file) return `holds the record of ${parsed.data.id}`;
      return parsed.data;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #moveAside(file: string, reason: string): SetAside {
    const name = `${Date.now()}-${file}`;
    mkdirSync(this.#dataDir.setAside, { recursive: true, mode: 0o700 });
    renameSync(join(this.#dataDir.records, file), join(this.#dataDir.setAside, name));
    const id = file.replace(/\.json$/, '');
    if (SANDBOX_ID.test(id)) {
      // Files without a record would be deleted as leftovers, but they may be worth rescuing.
      try {
        renameSync(join(this.#dataDir.guests, id), join(this.#dataDir.setAside, `${name}.files`));
      } catch {
        // The sandbox had no files.
      }
    }
    return { file: name, reason };
  }

  #earlierSetAside(): SetAside[] {
    try {
      return readdirSync(this.#dataDir.setAside)
        .filter((file) => !file.endsWith('.files'))
        .map((file) => ({ file, reason: 'set aside by an earlier start' }));
    } catch {
      return [];
    }
  }
}
