import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from './data-dir';
import { SANDBOX_ID } from './ids';
import { SandboxRecord } from './record';

/** A record that could not be read and was moved out of the way. */
export type SetAside = { file: string; reason: string };

/**
 * One JSON file a sandbox. A file is complete or not there: it is written beside and renamed. That holds when the
 * engine is killed at any moment; after a power cut a file may be empty, and is then set aside.
 */
export class RecordFiles {
  readonly #dataDir: DataDir;

  constructor(dataDir: DataDir) {
    this.#dataDir = dataDir;
  }

  /** Reads every record. What cannot be read is moved to the set-aside directory, with the sandbox's files. */
  load(): { records: SandboxRecord[]; setAside: SetAside[] } {
    const records: SandboxRecord[] = [];
    const setAside = this.#earlierSetAside();
    for (const file of readdirSync(this.#dataDir.records)) {
      if (file.endsWith('.tmp')) {
        rmSync(join(this.#dataDir.records, file), { force: true, recursive: true });
        continue;
      }
      const outcome = this.#read(file);
      if (typeof outcome === 'string') setAside.push(this.#putAside(file, outcome));
      else records.push(outcome);
    }
    return { records, setAside };
  }

  /** Synchronous on purpose: an answer may not be given before its record is kept, and this takes ~0.1 ms. */
  save(record: SandboxRecord): void {
    const path = this.#pathOf(record.id);
    const beside = `${path}.tmp`;
    writeFileSync(beside, JSON.stringify(record), { mode: 0o600 });
    renameSync(beside, path);
  }

  delete(id: string): void {
    rmSync(this.#pathOf(id), { force: true });
  }

  #pathOf(id: string): string {
    return join(this.#dataDir.records, `${id}.json`);
  }

  /** The record in a file, or why there is none. */
  #read(file: string): SandboxRecord | string {
    try {
      const parsed = SandboxRecord.safeParse(
        JSON.parse(readFileSync(join(this.#dataDir.records, file), 'utf8')),
      );
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        return `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not valid'}`;
      }
      if (`${parsed.data.id}.json` !== file) return `holds the record of ${parsed.data.id}`;
      return parsed.data;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #putAside(file: string, reason: string): SetAside {
    const name = `${Date.now()}-${file}`;
    mkdirSync(this.#dataDir.setAside, { recursive: true, mode: 0o700 });
    renameSync(join(this.#dataDir.records, file), join(this.#dataDir.setAside, name));
    const id = file.replace(/\.json$/, '');
    if (SANDBOX_ID.test(id)) {
      // Without a record the files would count as leftovers; somebody may still want to rescue them.
      try {
        renameSync(join(this.#dataDir.guests, id), join(this.#dataDir.setAside, `${name}.files`));
      } catch {
        // It had none.
      }
    }
    return { file: name, reason };
  }

  #earlierSetAside(): SetAside[] {
    try {
      return readdirSync(this.#dataDir.setAside)
        .filter((file) => !file.endsWith('.files'))
        .map((file) => ({ file, reason: 'set aside at an earlier start' }));
    } catch {
      return [];
    }
  }
}
