'use server';

import { z } from 'zod';
import { guardWrite } from '../access/guard';
import { parseInput } from '../access/input';
import { type Result, resultOf } from '../result';
import { MOST_TIMEOUT_MS } from '../sandbox/limits';
import { SandboxId } from '../sandbox/schema';
import { operateNow, planOperation, startPlanned } from './operate';
import { MOST_FILTER_CHARS, type Operation, type OperationPlan } from './schema';

const TimeoutMs = z.int().min(1_000).max(MOST_TIMEOUT_MS);
const KillWish = z.strictObject({ sandboxId: SandboxId });
const Start = z.strictObject({ token: z.string().min(1).max(64), filter: z.string().max(MOST_FILTER_CHARS) });
const ReversibleWish = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('pause'), sandboxId: SandboxId }),
  z.strictObject({
    act: z.literal('resume'),
    sandboxId: SandboxId,
    timeoutMs: TimeoutMs,
    autoPause: z.boolean().optional(),
  }),
  z.strictObject({ act: z.literal('setTimeout'), sandboxId: SandboxId, timeoutMs: TimeoutMs }),
]);

/** What a kill of this sandbox would hit. Role: operator. */
export async function planKill(wish: z.input<typeof KillWish>): Promise<Result<OperationPlan>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { sandboxId } = parseInput(KillWish, wish);
    return planOperation(session, { act: 'kill', sandboxIds: [sandboxId], params: {} });
  });
}

/** Starts what a plan showed; progress comes over the `operations` channel. Role: operator. */
export async function startPlan(start: z.input<typeof Start>): Promise<Result<Operation>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { token, filter } = parseInput(Start, start);
    return startPlanned(session, token, filter);
  });
}

/** Pauses, resumes or moves the deadline of one sandbox. Role: operator. */
export async function operate(wish: z.input<typeof ReversibleWish>): Promise<Result<Operation>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { act, sandboxId, ...params } = parseInput(ReversibleWish, wish);
    return operateNow(session, { act, sandboxIds: [sandboxId], params });
  });
}
