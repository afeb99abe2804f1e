import 'server-only';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { SandboxId } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';
import { envdAddress } from './addresses';
import type { CallService } from './call';
import type { CapabilitySet } from './capabilities';
import type { ConnectEndpoint } from './connect';
import { type Connection, ownIdOf } from './connection';
import { pathOf } from './control';
import { type EnvdClient, errorFromEnvd, lacksRoute } from './envd-client';
import { type EnvdFiles, envdFiles } from './envd-files';
import { type EnvdProcesses, envdProcesses } from './envd-processes';
import { type EnvdTerminals, envdTerminals } from './envd-terminals';
import type { ServiceErrors } from './errors';

/**
 * The files, processes and terminals of a running sandbox. No call wakes a sandbox or moves its deadline: the address
 * and token come from a read, never from `connect` (docs/protocol.md#handles-without-side-effects), and the service
 * refuses calls to a paused sandbox.
 */
export type Envd = EnvdProcesses & EnvdTerminals & EnvdFiles;

/** The problem of an error: the sandbox exists, but it is paused. */
export const NOT_RUNNING = 'not_running';

const WireAccess = z.object({
  sandboxID: SandboxId,
  state: z.unknown(),
  domain: z.string().nullish(),
  envdAccessToken: z.string().nullish(),
});
type Access = z.infer<typeof WireAccess>;

type Options = {
  call: CallService;
  connection: Connection;
  errors: ServiceErrors;
  capabilities: CapabilitySet;
  callMs: number;
  sockets: Dispatcher;
};

export function envdOpener(options: Options): (key: SandboxKey) => Promise<Envd> {
  const { call, connection, errors, capabilities, callMs, sockets } = options;

  /** Reads the sandbox's state, address and token from the service. The token never leaves this room. */
  const readAccess = async (id: string): Promise<Access> => {
    const { body } = await call({
      method: 'GET',
      path: pathOf(id),
      doing: 'reading a sandbox',
      schema: WireAccess,
    });
    if (body.state === 'running') return body;
    throw new SandkeeperError('conflict', 'The sandbox is not running. Resume it first.', {
      problem: NOT_RUNNING,
    });
  };

  const endpointOf = (access: Access): ConnectEndpoint => {
    const { baseUrl, headers } = envdAddress(connection, access);
    if (access.envdAccessToken) headers['x-access-token'] = access.envdAccessToken;
    return { baseUrl, headers, callMs, sockets };
  };

  /** Reads the sandbox again after `unavailable`, because a paused or killed one fails so (docs/protocol.md#edge-errors). */
  const explain: (id: string) => EnvdClient['explain'] = (id) => async (thrown, doing) => {
    const error = errorFromEnvd(thrown, doing, errors);
    const isRouteMissing = lacksRoute(thrown);
    if (error.code !== 'unavailable' && !isRouteMissing) return error;
    try {
      await readAccess(id);
    } catch (cause) {
      const isExplained =
        cause instanceof SandkeeperError && (cause.code === 'not_found' || cause.code === 'conflict');
      if (isExplained) return cause;
    }
    return error;
  };

  return async (key) => {
    const sandboxId = ownIdOf(connection, key);
    const access = await readAccess(sandboxId);
    const client: EnvdClient = {
      endpoint: endpointOf(access),
      explain: explain(sandboxId),
      errors,
      /** A daemon that answers has the service. One that lacks it says so of every sandbox. */
      observe(capability, thrown) {
        if (thrown === null) capabilities.learn(capability, true, 'answer', 'a sandbox answered');
        else if (lacksRoute(thrown)) capabilities.doubt(capability, key);
      },
    };
    const processes = envdProcesses(client);
    return { ...processes, ...envdTerminals(client), ...envdFiles(client, processes) };
  };
}
