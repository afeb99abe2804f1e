import {
  type CommonSearch,
  cannotBeIn,
  parseCommon,
  printParameters,
  type ReadParameter,
  readText,
  timeParameters,
  timeRangeOf,
  WHOLE_RECORD,
} from '../../record-search';
import { SANDBOX_ACTS, type SandboxAct } from '../../sandbox/can';
import { SandboxId } from '../../sandbox/schema';
import { isRetried, type Operation, OUTCOMES } from '../schema';

/** What the log can be narrowed down to, by how an operation stands. `troubled`: something in it did not go as asked. */
export const LOG_STATES = ['running', 'finished', 'cancelled', 'troubled'] as const;
export type LogState = (typeof LOG_STATES)[number];

/** What narrows the log down, as it stands in the address; `null` narrows nothing. */
export type LogSearch = CommonSearch & { act: SandboxAct | null; state: LogState | null };

/** Nothing asked for: all operations, from the newest on. */
export const WHOLE_LOG: LogSearch = { ...WHOLE_RECORD, act: null, state: null };

/**
 * What the parameters of the address ask for. What cannot be read is left out, so an old link still shows something;
 * the controls show what is in force.
 */
export function parseLogSearch(read: ReadParameter): LogSearch {
  return {
    ...parseCommon(read),
    act: SANDBOX_ACTS.find((act) => act === readText(read, 'act')) ?? null,
    state: LOG_STATES.find((state) => state === readText(read, 'state')) ?? null,
  };
}

/** The search of an address that asks for this, without its question mark. */
export function printLogSearch(search: Partial<LogSearch>): string {
  const whole = { ...WHOLE_LOG, ...search };
  const { by, act, state, sandbox } = whole;
  return printParameters({ by, act, state, sandbox, ...timeParameters(whole) });
}

/** Whether anything is left out, apart from newer pages. */
export function isNarrowed(search: LogSearch): boolean {
  return printLogSearch({ ...search, before: null }) !== '';
}

const STATE_TESTS = {
  running: ({ state }) => state === 'running',
  finished: ({ state }) => state === 'finished',
  cancelled: ({ cancelledAtMs }) => cancelledAtMs !== null,
  troubled: ({ counts }) => OUTCOMES.some((outcome) => isRetried(outcome) && counts[outcome] > 0),
} satisfies Record<LogState, (operation: Operation) => boolean>;

/**
 * Whether an operation is among those that `search` asks for, whatever the page: what the server asks the database, for
 * news that has come since. `hasSandbox` tells whether a sandbox is in it.
 */
export function passesSearch(
  operation: Operation,
  hasSandbox: (sandboxId: string) => boolean,
  search: LogSearch,
  nowMs: number,
): boolean {
  const { by, act, state, sandbox } = search;
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  return (
    (by === null || operation.actor === by) &&
    (act === null || operation.act === act) &&
    (state === null || STATE_TESTS[state](operation)) &&
    (sandbox === null || hasSandbox(sandbox)) &&
    (sinceMs === null || operation.createdAtMs >= sinceMs) &&
    (untilMs === null || operation.createdAtMs <= untilMs)
  );
}

/** Whether anything can match at all. */
export function canMatch({ by, sandbox }: LogSearch): boolean {
  return !cannotBeIn(by) && (sandbox === null || SandboxId.safeParse(sandbox).success);
}
