import { ENGINE_VERSION } from '../constants';
import { createDemoFleet } from '../demo-fleet';
import { FaultInput } from '../faults';
import { ApiError } from '../http';
import type { EngineParts } from '../parts';
import { validate } from '../validation';
import { DemoFleetBody } from './bodies';
import type { Route } from './route';

/** What only this engine has: its status, fault switches and the demo fleet. */
export function engineRoutes(parts: EngineParts): Route[] {
  const { faults } = parts;
  return [
    { method: 'GET', path: '/engine/status', answer: () => ({ status: 200, body: viewStatus(parts) }) },
    { method: 'GET', path: '/engine/faults', answer: () => ({ status: 200, body: faults.list() }) },
    {
      method: 'POST',
      path: '/engine/faults',
      answer: ({ body }) => ({ status: 201, body: faults.add(validate(FaultInput, body)) }),
    },
    {
      method: 'DELETE',
      path: '/engine/faults',
      answer() {
        faults.clear();
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: '/engine/faults/{id}',
      answer({ param }) {
        if (!faults.remove(param)) throw new ApiError(404, `fault '${param}' not found`);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/engine/demo-fleet',
      async answer({ body }) {
        const { count = 36 } = validate(DemoFleetBody, body ?? {});
        return { status: 201, body: { created: await createDemoFleet(count, parts) } };
      },
    },
  ];
}

function viewStatus({ registry, limits, setAside, dataDir, guests }: EngineParts) {
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
