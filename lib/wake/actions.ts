'use server';

import { z } from 'zod';
import { guardWrite } from '../access/guard';
import { parseInput } from '../access/input';
import { type Result, resultOf } from '../result';
import { SandboxId } from '../sandbox/schema';
import { EXTEND_MINUTES, REVIEW_MINUTES, type WakeResult } from './schema';
import { wakeKeeper } from './wake-keeper';

const MINUTE_MS = 60_000;

const Review = z.strictObject({ sandboxId: SandboxId });
const Wake = z.strictObject({
  sandboxId: SandboxId,
  minutes: z.literal(REVIEW_MINUTES, `Choose ${REVIEW_MINUTES.join(', ')} minutes.`),
});

/** Wakes a paused sandbox for a while; how that goes on comes over the `review` channel. Role: operator. */
export async function startWake(input: z.input<typeof Wake>): Promise<Result<WakeResult>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { sandboxId, minutes } = parseInput(Wake, input);
    return wakeKeeper().wake(session, sandboxId, minutes * MINUTE_MS);
  });
}

/** Gives a review more time, and answers how much the service granted, ms. Role: operator. */
export async function extendWake(input: z.input<typeof Review>): Promise<Result<number>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    const { sandboxId } = parseInput(Review, input);
    return wakeKeeper().extend(session, sandboxId, EXTEND_MINUTES * MINUTE_MS);
  });
}

/** Pauses a sandbox under review again, for everybody who looks. Role: operator. */
export async function endWake(input: z.input<typeof Review>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    await wakeKeeper().endNow(session, parseInput(Review, input).sandboxId);
    return null;
  });
}
