import { rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Guest, GuestSink } from '../guests';
import { KILLED } from './exit-status';
import { signalProcess } from './process-tree';
import { readHostText } from './skeleton';

/**
 * What is known of a sandbox's processes while they run, kept beside its files: should the engine be killed, the next
 * one can say which of them ended, and end any that did not.
 */
const Lifeline = z.object({
  /** Process numbers mean something for one boot only. */
  bootId: z.string(),
  initPid: z.number().int(),
  initStartTicks: z.number(),
  processes: z.array(z.object({ pid: z.number().int(), command: z.string() })),
});
export type Lifeline = z.infer<typeof Lifeline>;

const FILE = 'processes.json';

/** Of this start of the machine. */
export const readBootId = () => readHostText('/proc/sys/kernel/random/boot_id').trim();

/** Null where no process ran, or the file says nothing that can be used. */
async function readLifeline(dataDir: string): Promise<Lifeline | null> {
  try {
    return Lifeline.parse(JSON.parse(await readFile(join(dataDir, FILE), 'utf8')));
  } catch {
    return null;
  }
}

/** Keeps the file up to date, one write at a time. A write that fails costs an entry in a log, so it is let go. */
export class LifelineFile {
  readonly #dataDir: string;
  #next: Lifeline | null = null;
  #isWriting = false;
  #isCut = false;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Written at once: from now on processes can outlive the engine. */
  open(lifeline: Lifeline): void {
    this.#isCut = false;
    writeFileSync(join(this.#dataDir, FILE), JSON.stringify(lifeline), { mode: 0o600 });
  }

  update(lifeline: Lifeline): void {
    this.#next = lifeline;
    if (!this.#isWriting) void this.#writeAll();
  }

  /** No process is left. */
  cut(): void {
    this.#isCut = true;
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
        if (this.#isCut) rmSync(draft, { force: true });
        else await rename(draft, join(this.#dataDir, FILE));
      }
    } catch {
      // The directory is on its way out, or full.
    } finally {
      this.#isWriting = false;
    }
  }
}

/**
 * After a start: ends what an engine before us left running, and says in the sandbox's log which processes ended with
 * that engine.
 */
export async function recordEndedProcesses(
  guest: Pick<Guest, 'id' | 'dataDir'>,
  sink: GuestSink,
): Promise<void> {
  const lifeline = await readLifeline(guest.dataDir);
  if (!lifeline) return;
  const init = { pid: lifeline.initPid, startTicks: lifeline.initStartTicks };
  if (lifeline.bootId === readBootId()) signalProcess(init, 'SIGKILL');
  const result = { exit_code: -1, exited: false, status: KILLED.status, error: 'the engine was stopped' };
  for (const { pid, command } of lifeline.processes) {
    const fields = { command, pid: String(pid), process_result: JSON.stringify(result) };
    const message = 'Ended because the engine was stopped.';
    sink.recordLog(guest.id, { timestampMs: Date.now(), eventType: 'process_end', message, fields });
  }
  new LifelineFile(guest.dataDir).cut();
}
