import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { sandboxCan } from '../sandbox/can';
import type { Capability } from '../sandbox/capabilities';
import type { Metadata, Sandbox } from '../sandbox/schema';
import { keyOf, type SandboxKey } from '../sandbox-key';
import type { CallService } from './call';
import type { CapabilitySet } from './capabilities';
import { type Connection, ownIdOf } from './connection';
import {
  readRows,
  type SandboxRun,
  type ServiceSandbox,
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

export type NewSandbox = { template: string; metadata: Metadata; timeoutMs: number; autoPause: boolean };

/** The control plane of one connection. No method wakes a sandbox or moves its deadline unless it says so. */
export type ControlPlane = {
  /**
   * Reads one page of running and paused sandboxes, latest start first (docs/protocol.md#listing-sandboxes). A service that can
   * leaves out those that started at or before `startedAfterMs`, epoch ms; others list them all.
   */
  listSandboxes(cursor: string | null, startedAfterMs?: number): Promise<SandboxPage>;
  /** docs/protocol.md#reading-a-sandbox. @throws SandkeeperError `not_found` if it is gone */
  getSandbox(key: SandboxKey): Promise<Sandbox>;
  /**
   * Requests a kill, which also deletes all snapshots. The answer is no proof: read the sandbox again, because even a 500
   * may have killed it (docs/protocol.md#killing-a-sandbox).
   */
  killSandbox(key: SandboxKey): Promise<'accepted' | 'already_gone'>;
  /** Resolves when the snapshot is written. @throws SandkeeperError `conflict` if it is already paused */
  pauseSandbox(key: SandboxKey): Promise<void>;
  /**
   * Resumes with a deadline `timeoutMs` from now. Unlike `connect`, `resume` accepts `autoPause`
   * (docs/protocol.md#resume-instead-of-connect).
   * @throws SandkeeperError `conflict` if it is already running
   */
  resumeSandbox(key: SandboxKey, options: { timeoutMs: number; autoPause?: boolean }): Promise<void>;
  /** Moves the deadline to `timeoutMs` from now. The service silently caps it at its maximum. */
  setSandboxTimeout(key: SandboxKey, timeoutMs: number): Promise<void>;
  /**
   * Creates a sandbox and resolves to its key.
   * @throws SandkeeperError `quota` at the concurrency limit, `invalid` for an unknown template
   */
  createSandbox(request: NewSandbox): Promise<SandboxKey>;
  /** The templates that the API key may use. */
  listTemplates(): Promise<Template[]>;
  /** Reads one page of past and current sandboxes, newest first. Moru only, and eventually consistent. */
  listSandboxRuns(cursor: string | null): Promise<{ runs: SandboxRun[]; nextCursor: string | null }>;
};

export function controlPlane(
  call: CallService,
  connection: Pick<Connection, 'name'>,
  capabilities: CapabilitySet,
): ControlPlane {
  const ownPathOf = (key: SandboxKey) => pathOf(ownIdOf(connection, key));
  const keyed = (sandbox: ServiceSandbox): Sandbox => ({
    key: keyOf(connection.name, sandbox.id),
    ...sandbox,
  });

  const getSandbox = async (key: SandboxKey): Promise<Sandbox> => {
    const { body } = await call({
      method: 'GET',
      path: ownPathOf(key),
      doing: 'reading a sandbox',
      schema: WireSandbox,
    });
    if (body.lifecycle !== undefined) capabilities.learn('lifecycle', true, 'answer', 'details name it');
    return keyed(body);
  };

  /**
   * Calls a route that changes a sandbox. Its 404 does not tell a missing sandbox from a missing route, so the sandbox is read
   * (docs/protocol.md#proof-that-a-sandbox-is-gone).
   */
  const change = async (
    key: SandboxKey,
    act: 'pause' | 'resume' | 'setTimeout',
    send: (capability: Capability) => Promise<unknown>,
  ): Promise<void> => {
    try {
      await send(act);
    } catch (thrown) {
      if (!(thrown instanceof SandkeeperError) || thrown.code !== 'not_found') throw thrown;
      const sandbox = await getSandbox(key);
      // A paused sandbox has no deadline, and answers so (docs/protocol.md#state-matrix).
      if (!sandboxCan(sandbox.state, act)) throw thrown;
      capabilities.doubt(act, key);
      const message = 'The sandbox exists, but the service did not find it for this action.';
      throw new SandkeeperError('not_offered', message, { cause: thrown.cause });
    }
  };

  return {
    async listSandboxes(cursor, startedAfterMs) {
      const isFiltered = startedAfterMs !== undefined && capabilities.support('startedAfter') === 'yes';
      const { body, header } = await call({
        method: 'GET',
        path: '/v2/sandboxes',
        query: {
          limit: PAGE_SIZE,
          nextToken: cursor ?? undefined,
          startedAfter: isFiltered ? new Date(startedAfterMs).toISOString() : undefined,
        },
        doing: 'listing sandboxes',
        missing: 'service',
        schema: z.array(z.unknown()),
      });
      const { read, unreadable } = readRows(body, WireSandbox);
      const nextCursor = header('x-next-token') || null;
      if (nextCursor !== null) capabilities.learn('cursor', true, 'answer', 'the list has a next page');
      else if (cursor === null && body.length > PAGE_SIZE)
        capabilities.learn('cursor', false, 'answer', `${body.length} rows on one page`);
      return { sandboxes: read.map(keyed), unreadable, nextCursor };
    },

    getSandbox,

    async killSandbox(key) {
      try {
        await call({ method: 'DELETE', path: ownPathOf(key), doing: 'killing a sandbox' });
        return 'accepted';
      } catch (thrown) {
        if (thrown instanceof SandkeeperError && thrown.code === 'not_found') return 'already_gone';
        throw thrown;
      }
    },

    pauseSandbox: (key) =>
      change(key, 'pause', (capability) =>
        call({
          method: 'POST',
          path: `${ownPathOf(key)}/pause`,
          doing: 'pausing a sandbox',
          patience: 8,
          capability,
        }),
      ),

    resumeSandbox: (key, { timeoutMs, autoPause }) =>
      change(key, 'resume', (capability) =>
        call({
          method: 'POST',
          path: `${ownPathOf(key)}/resume`,
          body: { timeout: wholeSeconds(timeoutMs), ...(autoPause === undefined ? {} : { autoPause }) },
          doing: 'resuming a sandbox',
          takesSlot: true,
          patience: 8,
          capability,
        }),
      ),

    setSandboxTimeout: (key, timeoutMs) =>
      change(key, 'setTimeout', (capability) =>
        call({
          method: 'POST',
          path: `${ownPathOf(key)}/timeout`,
          body: { timeout: wholeSeconds(timeoutMs) },
          doing: 'setting the timeout',
          capability,
        }),
      ),

    async createSandbox({ template, metadata, timeoutMs, autoPause }) {
      try {
        const { body } = await call({
          method: 'POST',
          path: '/sandboxes',
          body: { templateID: template, metadata, timeout: wholeSeconds(timeoutMs), autoPause, secure: true },
          doing: 'creating a sandbox',
          takesSlot: true,
          schema: WireStarted,
          patience: 4,
        });
        return keyOf(connection.name, body.sandboxID);
      } catch (thrown) {
        if (thrown instanceof SandkeeperError && thrown.code === 'not_found') {
          const message = `There is no template named "${template}".`;
          throw new SandkeeperError('invalid', message, { cause: thrown });
        }
        if (thrown instanceof SandkeeperError && thrown.code === 'invalid') {
          const message = 'The sandbox service rejected these values. Try a shorter timeout.';
          throw new SandkeeperError('invalid', message, { cause: thrown });
        }
        throw thrown;
      }
    },

    async listTemplates() {
      const { body } = await call({
        method: 'GET',
        path: '/templates',
        doing: 'listing templates',
        missing: 'route',
        capability: 'templates',
        schema: z.array(z.unknown()),
      });
      return readRows(body, WireTemplate).read;
    },

    async listSandboxRuns(cursor) {
      const { body, header } = await call({
        method: 'GET',
        path: '/v2/sandbox-runs',
        query: { limit: PAGE_SIZE, nextToken: cursor ?? undefined },
        doing: 'listing past sandboxes',
        missing: 'route',
        capability: 'runs',
        schema: z.array(z.unknown()),
      });
      return { runs: readRows(body, WireRun).read, nextCursor: header('x-next-token') || null };
    },
  };
}

/** The path of a sandbox. An id is checked where it enters, and encoded all the same. */
export function pathOf(id: string): string {
  return `/sandboxes/${encodeURIComponent(id)}`;
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
