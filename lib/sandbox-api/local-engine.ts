import 'server-only';
import { z } from 'zod';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { callUpstream } from './call';
import { sendRequest } from './transport';

const Status = z.object({ maxRunning: z.int().positive() });

/** Whether the service is the engine that `npm start` runs, which has additional routes. */
export function isLocalEngine(): boolean {
  return config().upstream.kind === 'local';
}

/** The limit of concurrently running sandboxes; `null` if the service does not tell. */
export async function maxRunning(): Promise<number | null> {
  if (!isLocalEngine()) return null;
  const { body } = await callUpstream((signal) => ask('GET', '/engine/status', signal), {
    doing: 'reading the limits',
    schema: Status,
  });
  return body.maxRunning;
}

/** Fills an empty local engine with a mixed fleet. @throws SandkeeperError `forbidden` for other services */
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
  const url = new URL(path, apiUrl);
  const response = await sendRequest(new Request(url, { method, headers: { 'x-api-key': apiKey }, signal }));
  // A proxy may answer in any format, so only the status counts.
  if (!response.ok) return { error: await response.text(), response };
  const data: unknown = await response.json();
  return { data, response };
}
