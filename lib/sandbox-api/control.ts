import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import type { Metadata, Sandbox } from '../sandbox/schema';
import { callUpstream } from './call';
import { upstreamApi } from './client';
import {
  readRows,
  type SandboxRun,
  type Template,
  WireRun,
  WireSandbox,
  WireStarted,
  WireTemplate,
} from './wire';

/** The service's maximum (docs/protocol.md#listing-sandboxes). */
const PAGE_SIZE = 100;

export type SandboxPage = {
  sandboxes: Sandbox[];
  /** The number of rows without a usable id, which are missing from the list. */
  unreadable: number;
  nextCursor: string | null;
};

/** Reads one page of running and paused sandboxes, latest start first (docs/protocol.md#listing-sandboxes). */
export async function listSandboxes(cursor: string | null): Promise<SandboxPage> {
  const { body, headers } = await callUpstream(
    (signal) =>
      upstreamApi().GET('/v2/sandboxes', {
        params: { query: { limit: PAGE_SIZE, ...(cursor === null ? {} : { nextToken: cursor }) } },
        signal,
      }),
    { doing: 'listing sandboxes', isCollection: true, schema: z.array(z.unknown()) },
  );
  const { read, unreadable } = readRows(body, WireSandbox);
  return {
    sandboxes: read,
    unreadable,
    nextCursor: headers.get('x-next-token') || null,
  };
}

/** Never wakes the sandbox (docs/protocol.md#reading-a-sandbox). @throws SandkeeperError `not_found` if it is gone */
export async function getSandbox(id: string): Promise<Sandbox> {
  const { body } = await callUpstream(
    (signal) => upstreamApi().GET('/sandboxes/{sandboxID}', { params: { path: { sandboxID: id } }, signal }),
    { doing: 'reading a sandbox', schema: WireSandbox },
  );
  return body;
}

/**
 * Requests a kill, which also deletes all snapshots. The answer is no proof: read the sandbox again, because even a 500
 * may have killed it (docs/protocol.md#killing-a-sandbox).
 */
export async function killSandbox(id: string): Promise<'accepted' | 'already_gone'> {
  try {
    await callUpstream(
      (signal) =>
        upstreamApi().DELETE('/sandboxes/{sandboxID}', { params: { path: { sandboxID: id } }, signal }),
      { doing: 'killing a sandbox' },
    );
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') return 'already_gone';
    throw thrown;
  }
}

/** Resolves when the snapshot is written. @throws SandkeeperError `conflict` if it is already paused */
export async function pauseSandbox(id: string): Promise<void> {
  await callUpstream(
    (signal) =>
      upstreamApi().POST('/sandboxes/{sandboxID}/pause', { params: { path: { sandboxID: id } }, signal }),
    { doing: 'pausing a sandbox', patience: 8 },
  );
}

/**
 * Resumes with a deadline `timeoutMs` from now. Unlike `connect`, `resume` accepts `autoPause`
 * (docs/protocol.md#resume-instead-of-connect).
 * @throws SandkeeperError `conflict` if it is already running
 */
export async function resumeSandbox(
  id: string,
  { timeoutMs, autoPause }: { timeoutMs: number; autoPause?: boolean },
): Promise<void> {
  await callUpstream(
    (signal) =>
      upstreamApi().POST('/sandboxes/{sandboxID}/resume', {
        params: { path: { sandboxID: id } },
        body: { timeout: wholeSeconds(timeoutMs), ...(autoPause === undefined ? {} : { autoPause }) },
        signal,
      }),
    { doing: 'resuming a sandbox', takesSlot: true, patience: 8 },
  );
}

/** Moves the deadline to `timeoutMs` from now. The service silently caps it at its maximum. */
export async function setSandboxTimeout(id: string, timeoutMs: number): Promise<void> {
  await callUpstream(
    (signal) =>
      upstreamApi().POST('/sandboxes/{sandboxID}/timeout', {
        params: { path: { sandboxID: id } },
        body: { timeout: wholeSeconds(timeoutMs) },
        signal,
      }),
    { doing: 'setting the timeout' },
  );
}

export type NewSandbox = { template: string; metadata: Metadata; timeoutMs: number; autoPause: boolean };

/**
 * Creates a sandbox and resolves to its id.
 * @throws SandkeeperError `quota` at the concurrency limit, `invalid` for an unknown template
 */
export async function createSandbox({
  template,
  metadata,
  timeoutMs,
  autoPause,
}: NewSandbox): Promise<string> {
  try {
    const { body } = await callUpstream(
      (signal) =>
        upstreamApi().POST('/sandboxes', {
          body: { templateID: template, metadata, timeout: wholeSeconds(timeoutMs), autoPause, secure: true },
          signal,
        }),
      { doing: 'creating a sandbox', takesSlot: true, schema: WireStarted, patience: 4 },
    );
    return body.sandboxID;
  } catch (thrown) {
    if (thrown instanceof SandkeeperError && thrown.code === 'not_found') {
      throw new SandkeeperError('invalid', `There is no template named "${template}".`, { cause: thrown });
    }
    if (thrown instanceof SandkeeperError && thrown.code === 'invalid') {
      const message = 'The sandbox service rejected these values. Try a shorter timeout.';
      throw new SandkeeperError('invalid', message, { cause: thrown });
    }
    throw thrown;
  }
}

/** The templates that the API key may use. */
export async function listTemplates(): Promise<Template[]> {
  const { body } = await callUpstream((signal) => upstreamApi().GET('/templates', { signal }), {
    doing: 'listing templates',
    isCollection: true,
    schema: z.array(z.unknown()),
  });
  return readRows(body, WireTemplate).read;
}

/** Reads one page of past and current sandboxes, newest first. Moru only, and eventually consistent. */
export async function listSandboxRuns(
  cursor: string | null,
): Promise<{ runs: SandboxRun[]; nextCursor: string | null }> {
  const { body, headers } = await callUpstream((signal) => getUntyped('/v2/sandbox-runs', cursor, signal), {
    doing: 'listing past sandboxes',
    schema: z.array(z.unknown()),
  });
  return { runs: readRows(body, WireRun).read, nextCursor: headers.get('x-next-token') || null };
}

/** Calls a route that the SDK's types lack (docs/protocol.md#untyped-routes). */
function getUntyped(path: string, cursor: string | null, signal: AbortSignal) {
  const get = upstreamApi().GET as unknown as (
    path: string,
    init: object,
  ) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
  return get(path, {
    params: { query: { limit: PAGE_SIZE, ...(cursor === null ? {} : { nextToken: cursor }) } },
    signal,
  });
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
