import 'server-only';
import { z } from 'zod';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { SandboxId } from '../sandbox/schema';
import { callUpstream } from './call';
import { upstreamApi } from './client';
import type { ConnectEndpoint } from './connect';
import { errorOfGuest } from './envd-caller';
import { type GuestFiles, guestFiles } from './guest-files';
import { type GuestProcessList, guestProcessList } from './guest-process-list';
import { type GuestProcesses, guestProcesses } from './guest-processes';
import { type GuestTerminals, guestTerminals } from './guest-terminals';

/**
 * What is inside a sandbox. Nothing here wakes one or moves its deadline: the address and the token are read, never
 * asked for by `connect` (docs/protocol.md#handles-without-side-effects), and what is sent to a paused sandbox is
 * refused by the service.
 *
 * Not the SDK's handle: that one follows redirects with the token, believes any length and starts commands through a
 * login shell, and at the other end is a machine where somebody else may be root.
 */
export type Envd = GuestProcesses & GuestTerminals & GuestProcessList & GuestFiles;

const ENVD_PORT = 49983;

const WireAccess = z.object({
  sandboxID: SandboxId,
  state: z.string(),
  domain: z.string().nullish(),
  envdAccessToken: z.string().nullish(),
});

/**
 * The way into a running sandbox.
 * @throws SandkeeperError `not_found` when it is gone, `conflict` when it does not run
 */
export async function openEnvd(sandboxId: string): Promise<Envd> {
  const access = await readAccess(sandboxId);
  const door = {
    endpoint: endpointOf(access),
    explain: (thrown: unknown, doing: string) => explain(thrown, sandboxId, doing),
  };
  return { ...guestProcesses(door), ...guestTerminals(door), ...guestProcessList(door), ...guestFiles(door) };
}

/** State, place and token as the service has them now. Tokens go no further than this room. */
async function readAccess(id: string): Promise<z.infer<typeof WireAccess>> {
  const { body } = await callUpstream(
    (signal) => upstreamApi().GET('/sandboxes/{sandboxID}', { params: { path: { sandboxID: id } }, signal }),
    { doing: 'looking at a sandbox', schema: WireAccess },
  );
  if (body.state === 'running') return body;
  throw new SandkeeperError('conflict', 'The sandbox is not running, so nothing in it can be reached.');
}

function endpointOf({ sandboxID, domain, envdAccessToken }: z.infer<typeof WireAccess>): ConnectEndpoint {
  const { sandboxUrl } = config().upstream;
  return {
    baseUrl: sandboxUrl ?? `https://${ENVD_PORT}-${sandboxID}.${trustedDomain(domain ?? '')}`,
    headers: {
      'moru-sandbox-id': sandboxID,
      'moru-sandbox-port': String(ENVD_PORT),
      ...(envdAccessToken ? { 'x-access-token': envdAccessToken } : {}),
    },
  };
}

/** The domain that the service names if it lies in the configured one, else that: no answer leads us elsewhere. */
export function trustedDomain(named: string): string {
  const { domain } = config().upstream;
  const isHost = /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(named);
  return isHost && named.toLowerCase().endsWith(`.${domain.toLowerCase()}`) ? named : domain;
}

/**
 * The failure in our words. A sandbox that was paused or killed meanwhile answers like one that cannot be reached
 * (docs/protocol.md#edge-errors), so the service is asked which it is.
 */
async function explain(thrown: unknown, sandboxId: string, doing: string): Promise<SandkeeperError> {
  const error = errorOfGuest(thrown, doing);
  if (error.code !== 'unavailable') return error;
  try {
    await readAccess(sandboxId);
  } catch (found) {
    const isTold =
      found instanceof SandkeeperError && (found.code === 'not_found' || found.code === 'conflict');
    if (isTold) return found;
  }
  return error;
}
