import 'server-only';
import { randomBytes } from 'node:crypto';
import { database } from '../../../db/client';
import { LeftoverKeeper } from '../../../lease/leftovers';
import { processOwner } from '../../../lease/owner';
import { apiOf } from '../../../sandbox-api/configured';
import type { Envd } from '../../../sandbox-api/envd';
import { CommandOutput } from '../../../sandbox-api/envd-command';
import type { EnvdCommand } from '../../../sandbox-api/envd-processes';
import type { SandboxKey } from '../../../sandbox-key';
import { singleton } from '../../../singleton';

/** Begins the label of each such program in its sandbox. */
const TAG = 'sandkeeper-archive';
const KILL_MS = 10_000;

/** A program that reads a sandbox for an archive. `close` kills it if it still runs. */
export type ArchiveProgram = { output: CommandOutput; close: () => Promise<void> };

type Order = {
  envd: Envd;
  sandboxKey: SandboxKey;
  command: EnvdCommand;
  lifetimeMs: number;
  signal: AbortSignal;
};

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
      forget: ({ sandbox_key, tag }) => forget(sandbox_key, tag),
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

  async start({ envd, sandboxKey, command, lifetimeMs, signal }: Order): Promise<ArchiveProgram> {
    const tag = `${TAG} ${randomBytes(12).toString('hex')}`;
    await this.#leftovers.begin(sandboxKey, tag, async (lease) => {
      const row = { sandbox_key: sandboxKey, tag, ...lease };
      await (await database()).insertInto('archive_programs').values(row).execute();
    });
    const output = new CommandOutput(envd, { ...command, tag }, lifetimeMs, signal);
    return { output, close: () => this.#end(sandboxKey, tag, output) };
  }

  /** Call when a sandbox was reached: it may have a program that waits for that. */
  noteReachable(sandboxKey: SandboxKey): void {
    this.#leftovers.noteReachable(sandboxKey);
  }

  async #end(sandboxKey: SandboxKey, tag: string, output: CommandOutput): Promise<void> {
    await output.close();
    try {
      if (output.mayRun) return;
      await forget(sandboxKey, tag);
    } finally {
      // Without its row, there is nothing left to remove.
      this.#leftovers.abandon(sandboxKey, tag);
    }
  }
}

async function killPrograms(sandboxKey: SandboxKey, programs: readonly { tag: string }[]): Promise<void> {
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  const signal = AbortSignal.timeout(KILL_MS);
  const processes = await envd.listProcesses(signal);
  for (const { tag } of programs) {
    const left = processes.filter((process) => process.tag === tag && tag.startsWith(`${TAG} `));
    for (const { pid } of left) await envd.signalProcess(pid, 'SIGKILL', signal);
    await forget(sandboxKey, tag);
  }
}

async function forget(sandboxKey: SandboxKey, tag: string): Promise<void> {
  const db = await database();
  await db
    .deleteFrom('archive_programs')
    .where('sandbox_key', '=', sandboxKey)
    .where('tag', '=', tag)
    .execute();
}

export function archivePrograms(): ArchivePrograms {
  return singleton('archive-programs', () => new ArchivePrograms());
}
