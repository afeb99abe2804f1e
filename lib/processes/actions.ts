'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { onSandbox } from '../grants';
import { type Result, resultOf } from '../result';
import { signalInside } from './inside-signal';
import { signalProcess } from './list';
import { InsideRequest, PROCESS_SIGNALS, ProcessRequest } from './schema';

const CALL_MS = 15_000;
const InsideSignalInput = InsideRequest.extend({ signal: z.enum(PROCESS_SIGNALS) });
const SignalInput = ProcessRequest.extend({ signal: z.enum(PROCESS_SIGNALS) });

/** Signals a process if it is still the requested one. Role: operator. */
export async function sendSignal(input: z.input<typeof SignalInput>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', SignalInput, input, onSandbox);
    await signalProcess(session, request, AbortSignal.timeout(CALL_MS));
    return null;
  });
}

/** Signals any process in a sandbox if it is still the requested one. Role: operator. */
export async function sendSignalInside(input: z.input<typeof InsideSignalInput>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', InsideSignalInput, input, onSandbox);
    await signalInside(session, request, AbortSignal.timeout(CALL_MS));
    return null;
  });
}
