import 'server-only';
import { z } from 'zod';
import { SandkeeperError } from '../errors';
import { CAPABILITY_FACTS } from '../sandbox/capabilities';
import type { CallService } from './call';
import type { CapabilitySet } from './capabilities';

/** The additional routes of the engine that `npm start` runs. */
export type EngineRoutes = {
  /** The limit of concurrently running sandboxes; `null` if the service does not tell. */
  maxRunning(): Promise<number | null>;
  /** Fills an empty local engine with a mixed fleet. @throws SandkeeperError `not_offered` for other services */
  createDemoFleet(): Promise<{ created: number }>;
};

const Status = z.object({ maxRunning: z.int().positive() });

export function engineRoutes(call: CallService, capabilities: CapabilitySet): EngineRoutes {
  return {
    async maxRunning() {
      if (!capabilities.can('limits')) return null;
      try {
        const { body } = await call({
          method: 'GET',
          path: '/engine/status',
          doing: 'reading the limits',
          missing: 'route',
          capability: 'limits',
          schema: Status,
        });
        return body.maxRunning;
      } catch (thrown) {
        if (thrown instanceof SandkeeperError && thrown.code === 'not_offered') return null;
        throw thrown;
      }
    },

    async createDemoFleet() {
      if (!capabilities.can('demoFleet'))
        throw new SandkeeperError('not_offered', CAPABILITY_FACTS.demoFleet.lacking);
      const { body } = await call({
        method: 'POST',
        path: '/engine/demo-fleet',
        doing: 'creating a demo fleet',
        missing: 'route',
        capability: 'demoFleet',
        schema: z.object({ created: z.number() }),
      });
      return body;
    },
  };
}
