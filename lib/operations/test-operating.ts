import { afterAll, beforeEach, onTestFinished } from 'vitest';
import { fleetWatcher } from '../fleet/watchers';
import { eventually, localKey, setUpEngine } from '../test-support/environment';
import { someone } from '../test-support/people';
import { operateNow, planOperation, startPlanned } from './operate';
import type { Operation, OperationEvent } from './schema';
import { operationRunner } from './work/runner';

export const session = someone('ana');
export const another = someone('li');
export const EXPIRED = 'This confirmation has expired. Check the sandboxes again and confirm.';

/** Sets up an engine, and what the server actions call, for two people. */
export function setUpOperations() {
  process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
  process.env.SANDKEEPER_BULK_LIMIT = '40';
  const engine = setUpEngine();
  afterAll(() => fleetWatcher('local').close());

  const events: OperationEvent[] = [];
  beforeEach(() => {
    events.length = 0;
    onTestFinished(operationRunner().listen((event) => events.push(event)));
  });

  const planKill = (ids: readonly string[], who = session) =>
    planOperation(who, { act: 'kill', sandboxKeys: ids.map(localKey), params: {}, retryOf: null });
  const start = (
    token: string,
    more: { typed?: string; reason?: string; filter?: string } = {},
    who = session,
  ) => startPlanned(who, { token, act: 'kill', typed: '', reason: '', filter: '', ...more });
  const pauseNow = async (ids: readonly string[]) => {
    const input = { act: 'pause' as const, sandboxKeys: ids.map(localKey), params: {}, retryOf: null };
    return (await operateNow(session, input, '')).operation;
  };
  const isFinished = ({ id }: Operation) =>
    eventually(() => events.some(({ operation }) => operation.id === id && operation.state === 'finished'));

  return { engine, events, planKill, start, pauseNow, isFinished };
}
