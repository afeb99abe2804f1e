import 'server-only';
import { config } from '../config';
import { perConnection } from '../connections/per-connection';
import { connections } from '../connections/registry';
import { type ConnectionName, connectionOf, type SandboxKey } from '../sandbox-key';
import { engineState } from './engine-state';
import { createSandboxApi, type SandboxApi } from './sandbox-api';

const apis = perConnection('sandbox-api', {
  create(name) {
    const { sandboxUrl, teamId, ...connection } = connections().require(name);
    return createSandboxApi(
      { ...connection, sandboxUrl: sandboxUrl ?? undefined, teamId: teamId ?? undefined },
      {
        callMs: config().timing.callMs,
        isRestarting: () => connection.kind === 'local' && engineState().isRestarting,
      },
    );
  },
  close: (api) => api.retire(),
  isReplacedOnChange: true,
});

/**
 * Everything that can be done with a connection. Ask for it again for every call, because a new key makes a new one.
 * @throws SandkeeperError `not_found`, `unavailable` if the connection is disabled
 */
export function sandboxApi(name: ConnectionName): SandboxApi {
  return apis.get(name);
}

/** The API of the connection that a sandbox is in. Throws like `sandboxApi`. */
export function apiOf(key: SandboxKey): SandboxApi {
  return apis.get(connectionOf(key));
}

/** The clock of a sandbox's service: its time, epoch ms, and how far it is ahead of ours. */
export function serviceClockOf(key: SandboxKey): { nowMs: number; aheadMs: number } {
  const { aheadMs } = apiOf(key).clock;
  return { nowMs: Date.now() + aheadMs, aheadMs };
}

/** The current time on the clock of a sandbox's service, epoch ms. */
export function serviceNowMs(key: SandboxKey): number {
  return apiOf(key).clock.nowMs();
}
