import 'server-only';
import { randomBytes } from 'node:crypto';
import { database } from '../../../db/client';
import { LeftoverKeeper } from '../../../lease/leftovers';
import { processOwner } from '../../../lease/owner';
import { sandboxApi } from '../../../sandbox-api/configured';
import type { Envd } from '../../../sandbox-api/envd';
import { CommandOutput } from '../../../sandbox-api/envd-command';
import type { EnvdCommand } from '../../../sandbox-api/envd-processes';
import { singleton } from '../../../singleton';

/** Begins the label of each such program in its sandbox. */
const TAG = 'sandkeeper-archive';
const KILL_MS = 10_000;

/** A program that reads a sandbox for an archive. `close` kills it if it still runs. */
export type ArchiveProgram = { output: CommandOutput; close: () => Promise<void> };

type Order = { envd: Envd; sandboxId: string; command: EnvdCommand; lifetimeMs: number; signal: AbortSignal };

/**
 * Owns the programs that read sandboxes for archives. A sandbox goes on with a program whose reader is gone, and blocks it
 * for the hours that a slow download may take. So each is recorded before it starts, and killed by its label if this process
 * ends, or if it could not be killed because its sandbox was paused or out of reach.
 */
export class ArchivePrograms {
  readonly #leftovers: LeftoverKeeper<'archive_programs'>;

  constructor(owner = processOwner()) {
    this.#leftovers = new LeftoverKeeper({
      table: 'archive_programs',
      nameOf: ({ tag }) => tag,
      clear: killPrograms,
      forget: ({ sandbox_id, tag }) => forget(sandbox_id, tag),
      failureMessage: 'Could not end programs of interrupted archives:',
      owner,
    });
  }

  /** Takes over from processes that have ended. */
  open(): Promise<void> {
    return this.#leftovers.open();
  }

  close(): Promise<void> {
    return this.#leftovers.close();
  }

  async start({ envd, sandboxId, command, lifetimeMs, signal }: Order): Promise<ArchiveProgram> {
    const tag = `${TAG} ${randomBytes(12).toString('hex')}`;
    await this.#leftovers.begin(sandboxId, tag, async (lease) => {
      const row = { sandbox_id: sandboxId, tag, ...lease };
      await (await database()).insertInto('archive_programs').values(row).execute();
    });
    const output = new CommandOutput(envd, { ...command, tag }, lifetimeMs, signal);
    return { output, close: () => this.#end(sandboxId, tag, output) };
  }

  /** Call when a sandbox was reached: it may have a program that waits for that. */
  noteReachable(sandboxId: string): void {
    this.#leftovers.noteReachable(sandboxId);
  }

  async #end(sandboxId: string, tag: string, output: CommandOutput): Promise<void> {
    await output.close();
    try {
      if (output.mayRun) return;
      await forget(sandboxId, tag);
    } finally {
      // Without its row, there is nothing left to remove.
      this.#leftovers.abandon(sandboxId, tag);
    }
  }
}

async function killPrograms(sandboxId: string, programs: readonly { tag: string }[]): Promise<void> {
  const envd = await sandboxApi().openEnvd(sandboxId);
  const signal = AbortSignal.timeout(KILL_MS);
  const processes = await envd.listProcesses(signal);
  for (const { tag } of programs) {
    const left = processes.filter((process) => process.tag === tag && tag.startsWith(`${TAG} `));
    for (const { pid } of left) await envd.signalProcess(pid, 'SIGKILL', signal);
    await forget(sandboxId, tag);
  }
}

async function forget(sandboxId: string, tag: string): Promise<void> {
  const db = await database();
  await db
    .deleteFrom('archive_programs')
    .where('sandbox_id', '=', sandboxId)
    .where('tag', '=', tag)
    .execute();
}

export function archivePrograms(): ArchivePrograms {
  return singleton('archive-programs', () => new ArchivePrograms());
}
