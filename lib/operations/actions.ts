'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { MAX_COMMAND_CHARS, MAX_CWD_CHARS, MAX_LIMIT_MS, MIN_LIMIT_MS } from '../commands/schema';
import { connections } from '../connections/registry';
import { onConnection, onSandbox, onSandboxes } from '../grants';
import { type Result, resultOf } from '../result';
import { MAX_TIMEOUT_MS } from '../sandbox/limits';
import { plainText } from '../sandbox/plain-text';
import { ConnectionName, SandboxKey } from '../sandbox-key';
import { parseArchivePath } from './archive/archive-path';
import { operateNow, planOperation, recheckUnknown, startPlanned, stopOperation } from './operate';
import { connectionsPlanned } from './plan/pending-plans';
import { scopeOf } from './record/store';
import {
  MAX_FILTER_CHARS,
  MAX_GRACE_MS,
  MAX_REASON_CHARS,
  OPERATION_ID,
  type Operation,
  type OperationPlan,
  type Started,
} from './schema';
import { operationRunner } from './work/runner';

const TimeoutMs = z.int().min(1_000).max(MAX_TIMEOUT_MS);
const OperationId = z.string().regex(OPERATION_ID, 'This is not a valid operation ID.');
const SandboxKeys = z.array(SandboxKey).min(1, 'Choose at least one sandbox.');
/** May quote any metadata, also with control characters. */
const Filter = z.string().max(MAX_FILTER_CHARS).trim();

/** Already normalized by `parseArchivePath`, so that the recorded path is exactly the archived one. */
const ArchivePath = z
  .string()
  .refine((path) => parseArchivePath(path) === path, 'Enter an absolute path, or a path that starts with ~.');

const KillPlanRequest = z.strictObject({
  sandboxKeys: SandboxKeys,
  graceMs: z.int().min(1_000).max(MAX_GRACE_MS).optional(),
  exportPath: ArchivePath.optional(),
  retryOf: OperationId.optional(),
});
const Start = z.strictObject({
  token: z.string().min(1).max(64),
  typed: z.string().max(200),
  reason: plainText('A reason', MAX_REASON_CHARS),
  filter: Filter,
});
const TimeLeft = { timeoutMs: TimeoutMs.optional(), addMs: TimeoutMs.optional() };
const hasOneTime = ({ timeoutMs, addMs }: { timeoutMs?: number | undefined; addMs?: number | undefined }) =>
  (timeoutMs === undefined) !== (addMs === undefined);
const Common = { sandboxKeys: SandboxKeys, filter: Filter, retryOf: OperationId.optional() };
const ReversibleRequest = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('pause'), ...Common }),
  z.strictObject({
    act: z.literal('resume'),
    ...Common,
    timeoutMs: TimeoutMs,
    autoPause: z.boolean().optional(),
  }),
  z
    .strictObject({ act: z.literal('setTimeout'), ...Common, ...TimeLeft })
    .refine(hasOneTime, 'Either set the time left or add to it.'),
]);
const TimeLeftPlanRequest = z
  .strictObject({ sandboxKeys: SandboxKeys, retryOf: OperationId.optional(), ...TimeLeft })
  .refine(hasOneTime, 'Either set the time left or add to it.');
const noNul = (text: string) => !text.includes('\0');
const Command = {
  command: z
    .string()
    .max(MAX_COMMAND_CHARS)
    .refine((text) => text.trim() !== '', 'Type a command.')
    .refine(noNul, 'A command cannot contain NUL.'),
  cwd: z.string().min(1).max(MAX_CWD_CHARS).refine(noNul, 'A path cannot contain NUL.').optional(),
  limitMs: z.int().min(MIN_LIMIT_MS).max(MAX_LIMIT_MS),
};
const CommandRunRequest = z.strictObject({ sandboxKey: SandboxKey, ...Command });
const CommandPlanRequest = z.strictObject({
  sandboxKeys: SandboxKeys,
  ...Command,
  retryOf: OperationId.optional(),
});
const StartUntyped = Start.omit({ typed: true });
const StartTimeLeft = Start.extend({ typed: Start.shape.typed.default('') });
const TryRequest = z.strictObject({ connection: ConnectionName });
const OperationRequest = z.strictObject({ operationId: OperationId });

const onOperation = ({ operationId }: z.infer<typeof OperationRequest>) => scopeOf(operationId);
const onPlan = ({ token }: { token: string }) => connectionsPlanned(token);

/** Plans a kill: which sandboxes it would kill and which it would skip. Role: admin. */
export async function planKill(input: z.input<typeof KillPlanRequest>): Promise<Result<OperationPlan>> {
  return resultOf(async () => {
    const [session, { sandboxKeys, retryOf = null, ...params }] = await guardAction(
      'admin',
      KillPlanRequest,
      input,
      onSandboxes,
    );
    return planOperation(session, { act: 'kill', sandboxKeys, params, retryOf });
  });
}

/** Starts a planned kill. Progress is sent over the `operations` channel. Role: admin. */
export async function startPlan(start: z.input<typeof Start>): Promise<Result<Operation>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('admin', Start, start, onPlan);
    return startPlanned(session, { act: 'kill', ...request });
  });
}

/** Pauses or resumes sandboxes, or sets their time left. Role: operator. */
export async function operate(input: z.input<typeof ReversibleRequest>): Promise<Result<Started>> {
  return resultOf(async () => {
    const [session, { act, sandboxKeys, filter, retryOf = null, ...params }] = await guardAction(
      'operator',
      ReversibleRequest,
      input,
      onSandboxes,
    );
    return operateNow(session, { act, sandboxKeys, params, retryOf }, filter);
  });
}

/** Runs a command in one sandbox at once. Its output is sent over the `run` channel. Role: operator. */
export async function runCommand(input: z.input<typeof CommandRunRequest>): Promise<Result<Started>> {
  return resultOf(async () => {
    const [session, { sandboxKey, ...params }] = await guardAction(
      'operator',
      CommandRunRequest,
      input,
      onSandbox,
    );
    return operateNow(session, { act: 'run', sandboxKeys: [sandboxKey], params, retryOf: null }, '');
  });
}

/** Plans a command: in which sandboxes it would run and which it would skip. Role: operator. */
export async function planRun(input: z.input<typeof CommandPlanRequest>): Promise<Result<OperationPlan>> {
  return resultOf(async () => {
    const [session, { sandboxKeys, retryOf = null, ...params }] = await guardAction(
      'operator',
      CommandPlanRequest,
      input,
      onSandboxes,
    );
    return planOperation(session, { act: 'run', sandboxKeys, params, retryOf });
  });
}

/** Starts a planned command. Role: operator. */
export async function startRun(start: z.input<typeof StartUntyped>): Promise<Result<Operation>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', StartUntyped, start, onPlan);
    return startPlanned(session, { act: 'run', typed: '', ...request });
  });
}

/** Plans a change of the time left: whose deadline it would move and which sandboxes it would skip. Role: operator. */
export async function planTimeLeft(
  input: z.input<typeof TimeLeftPlanRequest>,
): Promise<Result<OperationPlan>> {
  return resultOf(async () => {
    const [session, { sandboxKeys, retryOf = null, ...params }] = await guardAction(
      'operator',
      TimeLeftPlanRequest,
      input,
      onSandboxes,
    );
    return planOperation(session, { act: 'setTimeout', sandboxKeys, params, retryOf });
  });
}

/** Starts a planned change of the time left. One that ends sandboxes is confirmed like a kill, by an admin. Role: operator. */
export async function startTimeLeft(start: z.input<typeof StartTimeLeft>): Promise<Result<Operation>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', StartTimeLeft, start, onPlan);
    return startPlanned(session, { act: 'setTimeout', ...request });
  });
}

/** Cancels an operation: requests that have not been sent are dropped. Role: operator. */
export async function cancelOperation(input: z.input<typeof OperationRequest>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', OperationRequest, input, onOperation);
    await stopOperation(session, request.operationId);
    return null;
  });
}

/** Sends a request although a connection asked to wait; if it succeeds, the others follow. Role: operator. */
export async function tryHeldNow(input: z.input<typeof TryRequest>): Promise<Result<null>> {
  return resultOf(async () => {
    const [, { connection }] = await guardAction('operator', TryRequest, input, onConnection);
    connections().require(connection);
    await operationRunner().tryNow(connection);
    return null;
  });
}

/** Rechecks the sandboxes of an operation whose outcome is unknown. Role: operator. */
export async function checkAgain(input: z.input<typeof OperationRequest>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('operator', OperationRequest, input, onOperation);
    await recheckUnknown(session, request.operationId);
    return null;
  });
}
