import type { FaultInput } from '../../engine/faults';
import { rowWith } from '../../fleet/test-fleet';
import type { StateAct } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import { apiOf } from '../../sandbox-api/configured';
import type { SandboxKey } from '../../sandbox-key';
import { localKey, type ServiceEngine } from '../../test-support/environment';
import { driftOf } from '../plan/plan';
import type { ActParams } from '../schema';
import { askToEnd } from './graceful';
import { runStep, type StepContext } from './steps';

/** Steps of operations on sandboxes of the local engine, as the runner runs them. */

async function read(key: SandboxKey): Promise<Sandbox | null> {
  return apiOf(key)
    .getSandbox(key)
    .catch((error) => {
      if (error.code === 'not_found') return null;
      throw error;
    });
}

/** Reads one sandbox that exists. */
export async function readOne(id: string): Promise<Sandbox> {
  const sandbox = await read(localKey(id));
  if (sandbox === null) throw new Error(`The sandbox ${id} is gone.`);
  return sandbox;
}

/** Runs one step like the runner. */
export async function step(act: StateAct, id: string, params: ActParams, more: Partial<StepContext> = {}) {
  return runStep({
    act,
    params,
    shown: more.shown ?? (await read(localKey(id))) ?? rowWith({ id }).sandbox,
    sinceMs: Date.now(),
    mayHaveBeenSent: false,
    read,
    latest: () => undefined,
    driftOf: (shown, now) => driftOf(shown, now, null),
    send: (call) => call(),
    waitAsAsked: async () => {},
    askToEnd,
    archiver: null,
    ...more,
  });
}

export const neverSent = async (): Promise<never> => {
  throw new Error('Nothing must be sent.');
};

/** What a step returns whose effect could not be read. */
export const unverified = {
  outcome: 'unknown',
  message: 'The request was sent, but its outcome could not be verified.',
};

/** Sends, then makes every reading of the sandbox fail. */
export const thenUnreadable =
  (engine: Pick<ServiceEngine, 'fault'>, id: string, fault: Omit<FaultInput, 'route'>): StepContext['send'] =>
  async (call) => {
    try {
      return await call();
    } finally {
      await engine.fault({ route: `GET /sandboxes/${id}`, ...fault });
    }
  };
