'use server';

import { z } from 'zod';
import { guardWrite } from '../access/guard';
import { parseInput } from '../access/input';
import { type Result, resultOf } from '../result';
import { signalProcess } from './list';
import { PROCESS_SIGNALS, ProcessRequest } from './schema';

const CALL_MS = 15_000;
const SignalInput = ProcessRequest.extend({ signal: z.enum(PROCESS_SIGNALS) });

/** Signals a process if it is still the requested one. Role: operator. */
export async function sendSignal(input: z.input<typeof SignalInput>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('operator');
    await signalProcess(session, parseInput(SignalInput, input), AbortSignal.timeout(CALL_MS));
    return null;
  });
}
