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

const ENGINE_ADVICE = { key: 'Check SANDKEEPER_ENGINE_KEY.', address: 'Check SANDKEEPER_ENGINE_URL.' };

function configuredConnection(): Connection {
  const { upstream } = config();
  if (upstream.kind === 'local') return { ...upstream, advice: ENGINE_ADVICE };
  const { kind, apiUrl, key, domain, sandboxUrl, teamId, keySetting, addressSetting } = upstream;
  return {
    kind,
    apiUrl,
    key,
    domain,
    sandboxUrl: sandboxUrl ?? undefined,
    teamId: teamId ?? undefined,
    advice: { key: `Check ${keySetting}.`, address: `Check ${addressSetting}.` },
  };
}

/** The current time on the service's clock, epoch ms. */
export function serviceNowMs(): number {
  return sandboxApi().clock.nowMs();
}
