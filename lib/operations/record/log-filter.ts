import {
  type CommonSearch,
  cannotBeIn,
  cannotBeSandbox,
  parseCommon,
  printParameters,
  type ReadParameter,
  readText,
  timeParameters,
  timeRangeOf,
  WHOLE_RECORD,
} from '../../record-search';
import { SANDBOX_ACTS, type SandboxAct } from '../../sandbox/can';
import { namesSandbox, type SandboxKey } from '../../sandbox-key';
import { isTroubled, type Operation, OUTCOMES } from '../schema';

/** Filter by state. `troubled`: with at least one item that failed or did not go as requested. */
export const LOG_STATES = ['running', 'finished', 'cancelled', 'troubled'] as const;
export type LogState = (typeof LOG_STATES)[number];

/** The filters of the operation log, as in the URL. `null` means no filter. */
export type LogSearch = CommonSearch & { act: SandboxAct | null; state: LogState | null };

export const WHOLE_LOG: LogSearch = { ...WHOLE_RECORD, act: null, state: null };

/** Parses the filters from the URL. Invalid values are ignored, so old links keep working. */
export function parseLogSearch(read: ReadParameter): LogSearch {
  return {
    ...parseCommon(read),
    act: SANDBOX_ACTS.find((act) => act === readText(read, 'act')) ?? null,
    state: LOG_STATES.find((state) => state === readText(read, 'state')) ?? null,
  };
}

/** The query string for `search`, without the question mark. */
export function printLogSearch(search: Partial<LogSearch>): string {
  const whole = { ...WHOLE_LOG, ...search };
  const { by, act, state, sandbox } = whole;
  return printParameters({ by, act, state, sandbox, ...timeParameters(whole) });
}

/** Whether any filter is set. The page does not count. */
export function isNarrowed(search: LogSearch): boolean {
  return printLogSearch({ ...search, before: null }) !== '';
}

const STATE_TESTS = {
  running: ({ state }) => state === 'running',
  finished: ({ state }) => state === 'finished',
  cancelled: ({ cancelledAtMs }) => cancelledAtMs !== null,
  troubled: ({ counts }) => OUTCOMES.some((outcome) => isTroubled(outcome) && counts[outcome] > 0),
} satisfies Record<LogState, (operation: Operation) => boolean>;

/** Whether an operation passes the filters. Mirrors the database query for operations that arrive over the channel. */
export function passesSearch(
  operation: Operation,
  sandboxKeys: Iterable<SandboxKey>,
  search: LogSearch,
  nowMs: number,
): boolean {
  const { by, act, state, sandbox } = search;
  const { sinceMs, untilMs } = timeRangeOf(search, nowMs);
  return (
    (by === null || operation.actor === by) &&
    (act === null || operation.act === act) &&
    (state === null || STATE_TESTS[state](operation)) &&
    (sandbox === null || someNamed(sandboxKeys, sandbox)) &&
    (sinceMs === null || operation.createdAtMs >= sinceMs) &&
    (untilMs === null || operation.createdAtMs <= untilMs)
  );
}

/** False if no operation can match, because of an invalid id or name. */
export function canMatch({ by, sandbox }: LogSearch): boolean {
  return !cannotBeIn(by) && !cannotBeSandbox(sandbox);
}

function someNamed(keys: Iterable<SandboxKey>, text: string): boolean {
  for (const key of keys) if (namesSandbox(text, key)) return true;
  return false;
}
