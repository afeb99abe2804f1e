import 'server-only';
import { noteAccess } from '../../access/audit';
import { database } from '../../db/client';
import { LeftoverKeeper } from '../../lease/leftovers';
import { processOwner } from '../../lease/owner';
import { apiOf } from '../../sandbox-api/configured';
import { fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { singleton } from '../../singleton';

/**
 * The unfinished file of an upload. It is recorded before it is written into the sandbox, so that it is removed even if
 * this process ends or the sandbox is paused half-way. `target`: the file it was to become.
 */
export type Draft = { sandboxKey: SandboxKey; path: string; target: string; actor: string };

const REMOVAL_MS = 10_000;
/** Only such names are removed. */
const DRAFT_NAME = /\/\.upload-[0-9a-f]{16}$/;

/** Owns the unfinished files of uploads in sandboxes, and removes those that were left behind. */
export class DraftKeeper {
  readonly #leftovers: LeftoverKeeper<'upload_drafts'>;

  constructor(owner = processOwner()) {
    this.#leftovers = new LeftoverKeeper({
      table: 'upload_drafts',
      nameOf: ({ path }) => path,
      clear: clearDrafts,
      forget: ({ sandbox_key, path }) => forget(sandbox_key, path),
      failureMessage: 'Could not clear unfinished uploads:',
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

  /** Records a draft before it is written. */
  begin({ sandboxKey, path, target, actor }: Draft): Promise<void> {
    return this.#leftovers.begin(sandboxKey, path, async (lease) => {
      const row = { sandbox_key: sandboxKey, path, target, actor, ...lease };
      await (await database()).insertInto('upload_drafts').values(row).execute();
    });
  }

  /** Forgets a draft that has become its target, or was removed. */
  async settle({ sandboxKey, path }: Draft): Promise<void> {
    await forget(sandboxKey, path);
    this.#leftovers.settle(sandboxKey, path);
  }

  /** Leaves a draft to be removed once its sandbox can be reached. */
  abandon({ sandboxKey, path }: Draft): void {
    this.#leftovers.abandon(sandboxKey, path);
  }

  /** Call when a sandbox was reached: it may have drafts that wait for that. */
  noteReachable(sandboxKey: SandboxKey): void {
    this.#leftovers.noteReachable(sandboxKey);
  }
}

async function clearDrafts(
  sandboxKey: SandboxKey,
  drafts: readonly Pick<Draft, 'path' | 'target' | 'actor'>[],
): Promise<void> {
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  for (const { path, target, actor } of drafts) {
    const signal = AbortSignal.timeout(REMOVAL_MS);
    const found = DRAFT_NAME.test(path) ? await envd.stat(path, signal).catch(unlessVanished) : null;
    if (found?.kind === 'file') {
      await envd.remove(path, signal);
      const detail = `${found.sizeBytes} bytes of an interrupted upload by ${actor}, as ${path}`;
      await noteAccess(null, { kind: 'upload-cleared', sandboxKey, path: target, detail });
    }
    await forget(sandboxKey, path);
  }
}

async function forget(sandboxKey: SandboxKey, path: string): Promise<void> {
  const db = await database();
  await db
    .deleteFrom('upload_drafts')
    .where('sandbox_key', '=', sandboxKey)
    .where('path', '=', path)
    .execute();
}

function unlessVanished(thrown: unknown): null {
  if (fileProblemOf(thrown) === 'vanished') return null;
  throw thrown;
}

export function draftKeeper(): DraftKeeper {
  return singleton('draft-keeper', () => new DraftKeeper());
}
