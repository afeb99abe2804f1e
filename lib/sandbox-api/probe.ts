import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import type { Capability } from '../sandbox/capabilities';
import type { CallService } from './call';
import type { CapabilitySet } from './capabilities';
import type { Connection } from './connection';
import { pathOf } from './control';
import { statusOf } from './errors';
import { readRows, WireSandbox } from './wire';

/** Routes that are read once to learn whether the service has them. `id`: a sandbox that was just listed. */
const PROBES: readonly {
  capability: Capability;
  path: (id: string | null, connection: Connection) => string | null;
  query?: (id: string | null) => Record<string, string | number>;
}[] = [
  { capability: 'templates', path: () => '/templates' },
  { capability: 'runs', path: () => '/v2/sandbox-runs', query: () => ({ limit: 1 }) },
  { capability: 'events', path: () => '/events/sandboxes', query: () => ({ limit: 1 }) },
  { capability: 'snapshots', path: () => '/snapshots', query: () => ({ limit: 1 }) },
  {
    capability: 'teamMetrics',
    path: (_id, { teamId }) => (teamId ? `/teams/${encodeURIComponent(teamId)}/metrics` : null),
  },
  { capability: 'logs', path: (id) => id && `${pathOf(id)}/logs`, query: () => ({ limit: 1 }) },
  { capability: 'logsV2', path: (id) => id && `/v2${pathOf(id)}/logs`, query: () => ({ limit: 1 }) },
  { capability: 'metrics', path: (id) => id && `${pathOf(id)}/metrics` },
  {
    capability: 'batchMetrics',
    path: (id) => id && '/sandboxes/metrics',
    query: (id) => ({ sandbox_ids: id ?? '' }),
  },
];

/**
 * Learns what the service offers from `GET` requests that change nothing: no sandbox is woken, and nothing is sent into one,
 * because traffic extends a lifetime at some services. Routes of a sandbox are probed with one from the list, if there is one.
 * @throws SandkeeperError if the list cannot be read
 */
export async function probeCapabilities(
  call: CallService,
  capabilities: CapabilitySet,
  connection: Connection,
): Promise<void> {
  const { body, header } = await call({
    method: 'GET',
    path: '/v2/sandboxes',
    query: { limit: 1 },
    doing: 'listing sandboxes',
    missing: 'service',
    schema: z.array(z.unknown()),
  });
  if (body.length > 1) capabilities.learn('cursor', false, 'probe', `${body.length} rows on a page of one`);
  else if (header('x-next-token')) capabilities.learn('cursor', true, 'probe', 'the list has a next page');
  const sandbox = readRows(body, WireSandbox).read[0];
  if (sandbox !== undefined) await probeDetail(call, capabilities, sandbox.id);
  await Promise.all(
    PROBES.map(async ({ capability, path, query }) => {
      const route = path(sandbox?.id ?? null, connection);
      if (route === null) return;
      const status = await statusFrom(call, route, query?.(sandbox?.id ?? null) ?? {});
      if (status === null) return;
      const isOffered = status >= 200 && status < 300;
      if (isOffered || status === 405 || status === 501) {
        capabilities.learn(capability, isOffered, 'probe', `answered ${status}`);
        return;
      }
      if (status !== 404) return;
      // The sandbox may have ended since it was listed.
      const isThere =
        sandbox === undefined ||
        !route.includes(sandbox.id) ||
        (await statusFrom(call, pathOf(sandbox.id), {})) === 200;
      if (isThere) capabilities.learn(capability, false, 'probe', 'answered 404');
    }),
  );
}

/** The details of a sandbox tell whether the service names what happens at the deadline. */
async function probeDetail(call: CallService, capabilities: CapabilitySet, id: string): Promise<void> {
  try {
    const { body } = await call({
      method: 'GET',
      path: pathOf(id),
      doing: 'reading a sandbox',
      schema: WireSandbox,
    });
    const isNamed = body.lifecycle !== undefined;
    capabilities.learn('lifecycle', isNamed, 'probe', isNamed ? 'details name it' : 'details do not name it');
  } catch {
    // It may have ended since it was listed.
  }
}

/** `null` if the service did not answer. */
async function statusFrom(
  call: CallService,
  path: string,
  query: Record<string, string | number>,
): Promise<number | null> {
  try {
    await call({ method: 'GET', path, query, doing: 'looking for what the service offers' });
    return 200;
  } catch (thrown) {
    const status = thrown instanceof SandkeeperError ? statusOf(thrown) : null;
    return typeof status === 'number' ? status : null;
  }
}
