import { rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Guest, GuestSink } from '../guests';
import { KILLED } from './exit-status';
import { signalProcess } from './process-tree';
import { readHostText } from './skeleton';

/**
 * The running processes of a sandbox, stored beside its files. If the engine is killed, the next one logs their end and
 * kills any survivors.
 */
const ProcessRecord = z.object({
  /** Pids are valid for one boot only. */
  bootId: z.string(),
  initPid: z.number().int(),
  initStartTicks: z.number(),
  processes: z.array(z.object({ pid: z.number().int(), command: z.string() })),
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

const FILE = 'processes.json';

export const readBootId = () => readHostText('/proc/sys/kernel/random/boot_id').trim();

async function readProcessRecord(dataDir: string): Promise<ProcessRecord | null> {
  try {
    return ProcessRecord.parse(JSON.parse(await readFile(join(dataDir, FILE), 'utf8')));
  } catch {
    return null;
  }
}

/** Writes the record, one write at a time. Ignores failed updates, which cost only a log entry. */
export class ProcessRecordFile {
  readonly #dataDir: string;
  #next: ProcessRecord | null = null;
  #isWriting = false;
  #isRemoved = false;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Writes synchronously, because processes can outlive the engine from now on. */
  open(record: ProcessRecord): void {
    this.#isRemoved = false;
    writeFileSync(join(this.#dataDir, FILE), JSON.stringify(record), { mode: 0o600 });
  }

  update(record: ProcessRecord): void {
    this.#next = record;
    if (!this.#isWriting) void this.#writeAll();
  }

  remove(): void {
    this.#isRemoved = true;
    this.#next = null;
    rmSync(join(this.#dataDir, FILE), { force: true });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    const draft = join(this.#dataDir, `${FILE}.draft`);
    try {
      while (this.#next) {
        const text = JSON.stringify(this.#next);
        this.#next = null;
        await writeFile(draft, text, { mode: 0o600 });
        if (this.#isRemoved) rmSync(draft, { force: true });
        else await rename(draft, join(this.#dataDir, FILE));
      }
    } catch {
      // The directory is being removed, or the disk is full.
    } finally {
      this.#isWriting = false;
    }
  }
}

/** Kills processes that a previous engine left running, and logs the end of each recorded process. */
export async function logEndedProcesses(
  guest: Pick<Guest, 'id' | 'dataDir'>,
  sink: GuestSink,
): Promise<void> {
  const record = await readProcessRecord(guest.dataDir);
  if (!record) return;
  const init = { pid: record.initPid, startTicks: record.initStartTicks };
  if (record.bootId === readBootId()) signalProcess(init, 'SIGKILL');
  const result = { exit_code: -1, exited: false, status: KILLED.status, error: 'the engine stopped' };
  for (const { pid, command } of record.processes) {
    const fields = { command, pid: String(pid), process_result: JSON.stringify(result) };
    const message = 'Ended because the engine stopped.';
    sink.recordLog(guest.id, { timestampMs: Date.now(), eventType: 'process_end', message, fields });
  }
  new ProcessRecordFile(guest.dataDir).remove();
}
