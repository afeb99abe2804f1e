import 'server-only';
import { z } from 'zod';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { callUpstream } from './call';

const Status = z.object({ maxRunning: z.number() });

/** Whether the upstream is the engine that `npm start` runs, which can do a little more than the cloud. */
export function isLocalEngine(): boolean {
  return config().upstream.kind === 'local';
}

/** How many sandboxes may run at once, or `null` where the service does not say. */
export async function maxRunning(): Promise<number | null> {
  if (!isLocalEngine()) return null;
  const { body } = await callUpstream((signal) => ask('GET', '/engine/status', signal), {
    doing: 'asking for the limits',
    schema: Status,
  });
  return body.maxRunning;
}

/** Fills an empty local engine with a mixed fleet to try things on. Refused anywhere else. */
export async function createDemoFleet(): Promise<{ created: number }> {
  if (!isLocalEngine()) {
    throw new SandkeeperError('forbidden', 'A demo fleet can only be created on the local engine.');
  }
  const { body } = await callUpstream((signal) => ask('POST', '/engine/demo-fleet', signal), {
    doing: 'creating a demo fleet',
    schema: z.object({ created: z.number() }),
  });
  return body;
}

async function ask(method: string, path: string, signal: AbortSignal) {
  const { apiUrl, apiKey } = config().upstream;
  const response = await fetch(new URL(path, apiUrl), { method, headers: { 'x-api-key': apiKey }, signal });
  // A refusal may come from something in between, in any form; its status is what counts.
  if (!response.ok) return { error: await response.text(), response };
  const data: unknown = await response.json();
  return { data, response };
}
