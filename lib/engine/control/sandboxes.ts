import { ApiError } from '../http';
import type { EngineServices } from '../services';
import { findTemplate } from '../templates';
import type { NewSandbox } from '../transitions';
import { invalid, validate } from '../validation';
import { ConnectBody, NewSandboxBody, OpenConnectBody, RefreshBody, ResumeBody, TimeoutBody } from './bodies';
import type { Call, Route } from './route';
import { sandboxIdOf, viewDetail, viewSandbox, visibleSandbox } from './views';

/** Default timeout of `connect` in the SDKs (docs/protocol.md#connect-wakes-sandboxes). */
const SDK_CONNECT_TIMEOUT_S = 300;

/** Routes that create, change or kill one sandbox (docs/protocol.md#sandbox-routes). */
export function sandboxRoutes(services: EngineServices): Route[] {
  const { lifecycle } = services;
  const create: Route['handle'] = async ({ body }) => {
    const input = validate(NewSandboxBody, body);
    const record = await lifecycle.create(newSandboxOf(input), input.timeout);
    return { status: 201, body: viewSandbox(record, services) };
  };
  const connect = async ({ param }: Call, timeoutS?: number) => {
    const { record, resumed } = await lifecycle.connect(sandboxIdOf(param), timeoutS);
    return { status: resumed ? 201 : 200, body: viewSandbox(record, services) };
  };
  return [
    { method: 'POST', path: '/sandboxes', handle: create },
    { method: 'POST', path: '/v2/sandboxes', handle: create },
    {
      method: 'GET',
      path: '/sandboxes/{id}',
      handle: ({ param }) => ({ status: 200, body: viewDetail(visibleSandbox(param, services), services) }),
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
    {
      method: 'POST',
      path: '/sandboxes/{id}/pause',
      async handle({ param }) {
        await lifecycle.pause(sandboxIdOf(param));
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/resume',
      async handle({ param, body, effects }) {
        const { timeout, autoPause } = validate(ResumeBody, body);
        const id = sandboxIdOf(param);
        const record = effects.has('lose-race')
          ? (await lifecycle.connect(id, SDK_CONNECT_TIMEOUT_S)).record
          : await lifecycle.resume(id, { timeoutS: timeout, autoPause });
        return { status: 201, body: viewSandbox(record, services) };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/connect',
      handle: (call) => connect(call, validate(ConnectBody, call.body).timeout),
    },
    {
      method: 'POST',
      path: '/v2/sandboxes/{id}/connect',
      handle: (call) => connect(call, validate(OpenConnectBody, call.body ?? {}).timeout),
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/timeout',
      handle({ param, body }) {
        const { timeout } = validate(TimeoutBody, body);
        lifecycle.setTimeout(sandboxIdOf(param), timeout);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/sandboxes/{id}/refreshes',
      handle({ param, body }) {
        const { duration = 0 } = validate(RefreshBody, body ?? {});
        lifecycle.refresh(sandboxIdOf(param), Math.max(duration, 15));
        return { status: 204 };
      },
    },
  ];
}

/** @throws ApiError 404 for an unknown template or volume, 400 for conflicting fields. */
function newSandboxOf(body: NewSandboxBody): NewSandbox {
  if (body.network?.allowPublicTraffic === false && body.secure !== true) {
    throw invalid('network.allowPublicTraffic', 'expected secure: true if public traffic is not allowed');
  }
  if (body.volumeId !== undefined) throw new ApiError(404, `volume '${body.volumeId}' not found`);
  const template = findTemplate(body.templateID);
  if (template === undefined) throw new ApiError(404, `template '${body.templateID}' not found`);
  return {
    template,
    autoPause: body.autoPause ?? false,
    secure: body.secure ?? false,
    allowInternetAccess: body.allow_internet_access ?? true,
    ...(body.network == null ? {} : { network: body.network }),
    metadata: body.metadata ?? {},
    envVars: body.envVars ?? {},
  };
}
