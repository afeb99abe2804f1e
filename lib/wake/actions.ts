'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { onSandbox } from '../grants';
import { type Result, resultOf } from '../result';
import { SandboxKey } from '../sandbox-key';
import { EXTEND_MINUTES, WAKE_MINUTES, type WakeResult } from './schema';
import { wakeKeeper } from './wake-keeper';

const MINUTE_MS = 60_000;

const WakeKey = z.strictObject({ sandboxKey: SandboxKey });
const Wake = z.strictObject({
  sandboxKey: SandboxKey,
  minutes: z.literal(WAKE_MINUTES, `Choose ${WAKE_MINUTES.join(', ')} minutes.`),
});

/** Wakes a paused sandbox for `minutes`. The `wake` channel reports its progress. Role: operator. */
export async function startWake(input: z.input<typeof Wake>): Promise<Result<WakeResult>> {
  return resultOf(async () => {
    const [session, { sandboxKey, minutes }] = await guardAction('operator', Wake, input, onSandbox);
    return wakeKeeper().wake(session, sandboxKey, minutes * MINUTE_MS);
  });
}

/** Extends a wake. Returns the time that the service granted, in ms. Role: operator. */
export async function extendWake(input: z.input<typeof WakeKey>): Promise<Result<number>> {
  return resultOf(async () => {
    const [session, { sandboxKey }] = await guardAction('operator', WakeKey, input, onSandbox);
    return wakeKeeper().extend(session, sandboxKey, EXTEND_MINUTES * MINUTE_MS);
  });
}

/** Ends a wake for every viewer by pausing the sandbox. Role: operator. */
export async function endWake(input: z.input<typeof WakeKey>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', WakeKey, input, onSandbox);
    await wakeKeeper().endNow(session, request.sandboxKey);
    return null;
  });
}
