import 'server-only';
import { z } from 'zod';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { SandboxId } from '../sandbox/schema';
import { callUpstream } from './call';
import { upstreamApi } from './client';
import type { ConnectEndpoint } from './connect';
import { type EnvdClient, errorFromEnvd } from './envd-client';
import { type EnvdFiles, envdFiles } from './envd-files';
import { type EnvdProcesses, envdProcesses } from './envd-processes';
import { type EnvdTerminals, envdTerminals } from './envd-terminals';

/**
 * The files, processes and terminals of a running sandbox. No call wakes a sandbox or moves its deadline: the address
 * and token come from a read, never from `connect` (docs/protocol.md#handles-without-side-effects), and the service
 * refuses calls to a paused sandbox.
 *
 * The SDK's sandbox handle is not used. It sends the token along redirects, accepts answers of any length and starts
 * commands through a login shell, and the sandbox at the other end is untrusted.
 */
export type Envd = EnvdProcesses & EnvdTerminals & EnvdFiles;

const ENVD_PORT = 49983;

/** The problem of an error: the sandbox exists, but it is paused. */
export const NOT_RUNNING = 'not_running';

const WireAccess = z.object({
  sandboxID: SandboxId,
  state: z.unknown(),
  domain: z.string().nullish(),
  envdAccessToken: z.string().nullish(),
});

/** @throws SandkeeperError `not_found` if the sandbox is gone, `conflict` (`NOT_RUNNING`) if it is not running */
export async function openEnvd(sandboxId: string): Promise<Envd> {
  const access = await readAccess(sandboxId);
  const client: EnvdClient = {
    endpoint: endpointOf(access),
    explain: (thrown, doing) => explain(thrown, sandboxId, doing),
  };
  return { ...envdProcesses(client), ...envdTerminals(client), ...envdFiles(client) };
}

/** Reads the sandbox's state, address and token from the service. The token never leaves this room. */
async function readAccess(id: string): Promise<z.infer<typeof WireAccess>> {
  const { body } = await callUpstream(
    (signal) => upstreamApi().GET('/sandboxes/{sandboxID}', { params: { path: { sandboxID: id } }, signal }),
    { doing: 'reading a sandbox', schema: WireAccess },
  );
  if (body.state === 'running') return body;
  throw new SandkeeperError('conflict', 'The sandbox is not running. Resume it first.', {
    problem: NOT_RUNNING,
  });
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

/** Returns `named` if it is a subdomain of the configured domain, else the configured domain itself. */
export function trustedDomain(named: string): string {
  const { domain } = config().upstream;
  const isHost = /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(named);
  return isHost && named.toLowerCase().endsWith(`.${domain.toLowerCase()}`) ? named : domain;
}

/** Reads the sandbox again after `unavailable`, because a paused or killed one fails so (docs/protocol.md#edge-errors). */
async function explain(thrown: unknown, sandboxId: string, doing: string): Promise<SandkeeperError> {
  const error = errorFromEnvd(thrown, doing);
  if (error.code !== 'unavailable') return error;
  try {
    await readAccess(sandboxId);
  } catch (cause) {
    const isExplained =
      cause instanceof SandkeeperError && (cause.code === 'not_found' || cause.code === 'conflict');
    if (isExplained) return cause;
  }
  return error;
}
