import 'server-only';
import { config } from '../config';
import { singleton } from '../singleton';
import type { Connection } from './connection';
import { engineState } from './engine-state';
import { createSandboxApi, type SandboxApi } from './sandbox-api';

/** The one connection of this process, which stands in the environment. */
export function sandboxApi(): SandboxApi {
  return singleton('sandbox-api', () =>
    createSandboxApi(configuredConnection(), {
      callMs: config().timing.callMs,
      isRestarting: () => engineState().isRestarting,
    }),
  );
}

function configuredConnection(): Connection {
  const { kind, apiUrl, apiKey, domain, sandboxUrl } = config().upstream;
  return {
    kind: kind === 'local' ? 'local' : 'moru',
    apiUrl,
    key: apiKey,
    domain,
    sandboxUrl,
    advice: { key: 'Check MORU_API_KEY.', address: 'Check MORU_API_URL.' },
  };
}

/** The current time on the service's clock, epoch ms. */
export function serviceNowMs(): number {
  return sandboxApi().clock.nowMs();
}
