import { SANDBOX_ID_PATTERN, SandboxKey } from './sandbox-key';

/**
 * Filters and paging that the operation log and the access log share. They are stored in the URL, and pages run from
 * newest to oldest. Runs anywhere.
 */

const HOUR_MS = 3_600_000;

/** Time spans up to now, ms. */
export const RECORD_SPANS = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
} as const;
export type RecordSpan = keyof typeof RECORD_SPANS;

/** The last entry of a page. The next page starts after it. */
export type RecordCursor = { atMs: number; id: string };

/** Filters of every log. `null` means no filter. */
export type CommonSearch = {
  /** The exact name of the person. */
  by: string | null;
  /** May be invalid as an id. Then nothing matches. */
  /** A key, or an id in whatever connection. */
  sandbox: string | null;
  within: RecordSpan | null;
  /** Epoch ms. Ignored when `within` is set. */
  fromMs: number | null;
  toMs: number | null;
  before: RecordCursor | null;
};

export const WHOLE_RECORD: CommonSearch = {
  by: null,
  sandbox: null,
  within: null,
  fromMs: null,
  toMs: null,
  before: null,
};

/** Reads a URL parameter. */
export type ReadParameter = (name: string) => string | null | undefined;

const MAX_TEXT_CHARS = 200;

/** A trimmed URL parameter, or `null` when it is absent or blank. */
export function readText(read: ReadParameter, name: string): string | null {
  return read(name)?.trim().slice(0, MAX_TEXT_CHARS) || null;
}

/** Parses the common filters. Invalid values are ignored, so old links keep working. */
export function parseCommon(read: ReadParameter): CommonSearch {
  const text = (name: string) => readText(read, name);
  return {
    by: text('by'),
    sandbox: text('sandbox'),
    within: parseSpan(text('within')),
    fromMs: parseMoment(text('from')),
    toMs: parseMoment(text('to')),
    before: parseCursor(text('before')),
  };
}

/** The query string for these parameters in this order, without the question mark. */
export function printParameters(parameters: Record<string, string | null>): string {
  const printed = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== null) printed.set(name, value);
  return printed.toString();
}

/** The parameters for the time range and the page. */
export function timeParameters({
  within,
  fromMs,
  toMs,
  before,
}: CommonSearch): Record<string, string | null> {
  return {
    within,
    from: within === null ? printMoment(fromMs) : null,
    to: within === null ? printMoment(toMs) : null,
    before: before === null ? null : `${before.atMs}.${before.id}`,
  };
}

/** The requested time range, epoch ms. `null` means unbounded. */
export function timeRangeOf(
  { within, fromMs, toMs }: Pick<CommonSearch, 'within' | 'fromMs' | 'toMs'>,
  nowMs: number,
): { sinceMs: number | null; untilMs: number | null } {
  if (within !== null) return { sinceMs: nowMs - RECORD_SPANS[within], untilMs: null };
  return { sinceMs: fromMs, untilMs: toMs };
}

/** Whether `text` is neither a key nor an id. */
export function cannotBeSandbox(text: string | null): boolean {
  return text !== null && !SandboxKey.safeParse(text).success && !SANDBOX_ID_PATTERN.test(text);
}

/** Whether `text` contains control characters. No id or name does, and Postgres rejects NUL in a parameter. */
export function cannotBeIn(text: string | null): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters on purpose.
  return /[\0-\x1f]/.test(text ?? '');
}

function parseSpan(text: string | null): RecordSpan | null {
  return text !== null && Object.hasOwn(RECORD_SPANS, text) ? (text as RecordSpan) : null;
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?Z$/;

function parseMoment(text: string | null): number | null {
  if (text === null || !MOMENT.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

function printMoment(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().replace(/(:00)?\.000Z$/, 'Z');
}

const CURSOR = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/;

function parseCursor(text: string | null): RecordCursor | null {
  const [, atMs, id] = CURSOR.exec(text ?? '') ?? [];
  return atMs === undefined || id === undefined ? null : { atMs: Number(atMs), id };
}
