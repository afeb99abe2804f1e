import { createDemoFleet } from '../demo-fleet';
import { FaultInput, type Faults } from '../faults';
import { ApiError } from '../http';
import type { EngineServices } from '../services';
import { validate } from '../validation';
import { DemoFleetBody } from './bodies';
import type { Route } from './route';

const ENGINE_VERSION = '0.1.0';

/** Routes of this engine alone: its status, injected faults and the demo fleet. */
export function engineRoutes(services: EngineServices): Route[] {
  return [
    { method: 'GET', path: '/engine/status', handle: () => ({ status: 200, body: viewStatus(services) }) },
    {
      method: 'POST',
      path: '/engine/demo-fleet',
      async handle({ body }) {
        const { count = 36 } = validate(DemoFleetBody, body ?? {});
        return { status: 201, body: { created: await createDemoFleet(count, services) } };
      },
    },
    ...(services.faults === null ? [] : faultRoutes(services.faults)),
  ];
}

function faultRoutes(faults: Faults): Route[] {
  return [
    { method: 'GET', path: '/engine/faults', handle: () => ({ status: 200, body: faults.list() }) },
    {
      method: 'POST',
      path: '/engine/faults',
      handle: ({ body }) => ({ status: 201, body: faults.add(validate(FaultInput, body)) }),
    },
    {
      method: 'DELETE',
      path: '/engine/faults',
      handle() {
        faults.clear();
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: '/engine/faults/{id}',
      handle({ param }) {
        if (!faults.remove(param)) throw new ApiError(404, `fault '${param}' not found`);
        return { status: 204 };
      },
    },
  ];
}

function viewStatus({ registry, limits, setAside, dataDir, guests }: EngineServices) {
  return {
    version: ENGINE_VERSION,
    running: registry.count('running'),
    paused: registry.count('paused') + registry.count('pausing'),
    maxRunning: limits.maxRunning,
    maxLengthHours: limits.maxLengthMs / 3_600_000,
    setAside,
    dataDir,
    processes: guests.processes,
  };
}
