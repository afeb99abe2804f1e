import { mayUseNetwork } from '../record';
import type { EngineServices } from '../services';
import { validate } from '../validation';
import {
  ConnectBody,
  ConnectV2Body,
  NewSandboxBody,
  NewSandboxV2Body,
  PauseBody,
  RefreshBody,
  ResumeBody,
  TimeoutBody,
} from './bodies';
import { NetworkUpdateBody, notEnforced, requireEnforceable } from './network';
import { createSandbox } from './new-sandbox';
import type { Call, Route } from './route';
import { sandboxIdOf, viewDetail, viewSandbox, visibleSandbox } from './views';

/** Default timeout of the SDKs, and of the newer routes (docs/protocol.md#connect-wakes-sandboxes). */
const SDK_TIMEOUT_S = 300;
/** The network of a running process is that of its start. */
const NETWORK_IN_USE = 'the network of a sandbox cannot change while its processes run';

/** Routes that create, change or kill one sandbox (docs/protocol.md#sandbox-routes). */
export function sandboxRoutes(services: EngineServices): Route[] {
  const { lifecycle } = services;
  return [
    {
      method: 'POST',
      path: '/sandboxes',
      async handle({ body, dialect }) {
        const record = await createSandbox(validate(NewSandboxBody, body), dialect, services);
        return { status: 201, body: viewSandbox(record, services) };
      },
    },
    {
      method: 'POST',
      path: '/v2/sandboxes',
      async handle({ body }) {
        const { timeout = SDK_TIMEOUT_S, ...input } = validate(NewSandboxV2Body, body);
        const record = await createSandbox({ ...input, timeout, secure: true }, 'e2b', services);
        return { status: 201, body: viewSandbox(record, services) };
      },
    },
    {
      method: 'GET',
      path: '/sandboxes/{id}',
      handle: ({ param, dialect }) => ({
        status: 200,
        body: viewDetail(visibleSandbox(param, services), dialect, services),
      }),
    },
    {
      method: 'DELETE',
      path: '/sandboxes/{id}',
      async handle({ param, effects }) {
        if (effects.has('pretend-kill')) visibleSandbox(param, services);
        else await lifecycle.kill(sandboxIdOf(param));
        return { status: 204 };
      },
    },
    ...wakeRoutes(services),
    {
      method: 'POST',
      path: '/sandboxes/{id}/pause',
      async handle({ param, body, dialect }) {
        const { memory } = validate(PauseBody, body);
        await lifecycle.pause(sandboxIdOf(param), { keepsMemory: memory ?? true, dialect });
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/timeout',
      handle({ param, body, dialect }) {
        const { timeout } = validate(TimeoutBody, body);
        lifecycle.setTimeout(sandboxIdOf(param), timeout, dialect);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/refreshes',
      handle({ param, body, dialect }) {
        const { duration = 0 } = validate(RefreshBody, body);
        lifecycle.refresh(sandboxIdOf(param), Math.max(duration, 15), dialect);
        return { status: 204 };
      },
    },
    {
      method: 'PUT',
      path: '/sandboxes/{id}/network',
      handle: (call) => updateNetwork(call, services),
    },
  ];
}

function wakeRoutes(services: EngineServices): Route[] {
  const { lifecycle } = services;
  const connect = async (
    { param, dialect }: Call,
    { timeout, memory }: { timeout: number; memory?: boolean | null | undefined },
  ) => {
    const options = { timeoutS: timeout, keepsMemory: memory ?? true, dialect };
    const { record, resumed } = await lifecycle.connect(sandboxIdOf(param), options);
    return { status: resumed ? 201 : 200, body: viewSandbox(record, services) };
  };
  return [
    {
      method: 'POST',
      path: '/sandboxes/{id}/resume',
      async handle({ param, body, dialect, effects }) {
        // Moru requires a body.
        const { timeout, autoPause, memory } = validate(ResumeBody, dialect === 'e2b' ? (body ?? {}) : body);
        const id = sandboxIdOf(param);
        const options = { timeoutS: timeout, autoPause, keepsMemory: memory ?? true, dialect };
        const record = effects.has('lose-race')
          ? (await lifecycle.connect(id, { timeoutS: SDK_TIMEOUT_S })).record
          : await lifecycle.resume(id, options);
        return { status: 201, body: viewSandbox(record, services) };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/connect',
      handle: (call) => connect(call, validate(ConnectBody, call.body)),
    },
    {
      method: 'POST',
      path: '/v2/sandboxes/{id}/connect',
      handle(call) {
        const { timeout = SDK_TIMEOUT_S, memory } = validate(ConnectV2Body, call.body);
        return connect(call, { timeout, memory });
      },
    },
  ];
}

/** Replaces the rules for outgoing traffic (docs/protocol.md#updating-the-network). */
function updateNetwork({ param, body }: Call, { lifecycle, guests }: EngineServices) {
  const { allow_internet_access, allowOut, denyOut, ...others } = validate(NetworkUpdateBody, body);
  const allowInternetAccess = allow_internet_access ?? null;
  const { hasNetwork } = guests;
  const rules = { allowOut, denyOut, ...others };
  requireEnforceable(rules, { prefix: '', allowInternetAccess, hasNetwork });
  const id = sandboxIdOf(param);
  lifecycle.change(id, (record) => {
    const { allowPublicTraffic, maskRequestHost, httpsPorts } = record.network ?? {};
    const after = {
      allowInternetAccess,
      network: { allowOut, denyOut, allowPublicTraffic, maskRequestHost, httpsPorts },
    };
    const isChanged = hasNetwork && mayUseNetwork(after) !== mayUseNetwork(record);
    if (isChanged && guests.isInUse(id)) throw notEnforced('allow_internet_access', NETWORK_IN_USE);
    return after;
  });
  return { status: 204 };
}
