/**
 * What the records of operations and of access have in common: an address narrows them down, to a time among others, and
 * they are read page by page, newest first. Runs anywhere.
 */

const HOUR_MS = 3_600_000;

/** Spans that end now, ms. */
export const RECORD_SPANS = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': 30 * 24 * HOUR_MS,
} as const;
export type RecordSpan = keyof typeof RECORD_SPANS;

/** Where the next page begins: after the entry that was made then and has this id. */
export type RecordCursor = { atMs: number; id: string };

/** What every record can be narrowed down to; `null` narrows nothing. */
export type CommonSearch = {
  /** Who did it, exactly. */
  by: string | null;
  /** May be text that no id can be, which nothing matches. */
  sandbox: string | null;
  within: RecordSpan | null;
  /** Epoch ms. Where there is a `within`, that counts. */
  fromMs: number | null;
  toMs: number | null;
  before: RecordCursor | null;
};

/** Nothing asked for: all of it, from the newest on. */
export const WHOLE_RECORD: CommonSearch = {
  by: null,
  sandbox: null,
  within: null,
  fromMs: null,
  toMs: null,
  before: null,
};

/** Reads a parameter of an address. */
export type ReadParameter = (name: string) => string | null | undefined;

const MAX_TEXT_CHARS = 200;

/** A parameter without blanks around it; `null` where there is none. */
export function readText(read: ReadParameter, name: string): string | null {
  return read(name)?.trim().slice(0, MAX_TEXT_CHARS) || null;
}

/** What every record understands of an address. What cannot be read is left out, so an old link still shows something. */
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

/** The search of an address that asks for these, in this order, without its question mark. */
export function printParameters(parameters: Record<string, string | null>): string {
  const printed = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== null) printed.set(name, value);
  return printed.toString();
}

/** The parameters for a time and a page. */
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

/** From when on and until when entries are asked for, epoch ms; `null`: from ever, or for ever. */
export function timeRangeOf(
  { within, fromMs, toMs }: Pick<CommonSearch, 'within' | 'fromMs' | 'toMs'>,
  nowMs: number,
): { sinceMs: number | null; untilMs: number | null } {
  if (within !== null) return { sinceMs: nowMs - RECORD_SPANS[within], untilMs: null };
  return { sinceMs: fromMs, untilMs: toMs };
}

/** Whether no entry can have this text: neither ids nor names have control characters, which Postgres takes offence at. */
export function cannotBeIn(text: string | null): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
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
