import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECORD_SPANS, type RecordSpan, timeRangeOf } from '../../record-search';
import { SANDBOX_ACTS } from '../../sandbox/can';
import {
  canMatch,
  isNarrowed,
  LOG_STATES,
  type LogSearch,
  parseLogSearch,
  printLogSearch,
  WHOLE_LOG,
} from './log-filter';

function parse(text: string): LogSearch {
  const parameters = new URLSearchParams(text);
  return parseLogSearch((name) => parameters.get(name));
}

const orNothing = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((any) => any.trim());
const moment = fc
  .date({ min: new Date('2001-01-01'), max: new Date('2999-01-01'), noInvalidDate: true })
  .map((date) => date.getTime());
const search: fc.Arbitrary<LogSearch> = fc.record({
  by: orNothing(text).map((name) => name || null),
  act: orNothing(fc.constantFrom(...SANDBOX_ACTS)),
  state: orNothing(fc.constantFrom(...LOG_STATES)),
  sandbox: orNothing(text).map((id) => id || null),
  within: orNothing(fc.constantFrom(...(Object.keys(RECORD_SPANS) as RecordSpan[]))),
  fromMs: orNothing(moment),
  toMs: orNothing(moment),
  before: orNothing(fc.record({ atMs: moment, id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/) })),
});

describe('log filters', () => {
  it('survive a round trip through the URL', () => {
    fc.assert(
      fc.property(search, (asked) => {
        const counted = asked.within === null ? asked : { ...asked, fromMs: null, toMs: null };
        expect(parse(printLogSearch(asked))).toEqual(counted);
      }),
    );
  });

  it('are readable in the URL', () => {
    const fromMs = Date.parse('2026-01-15T09:30:00Z');
    expect(printLogSearch({ by: 'ana', act: 'kill', fromMs })).toBe(
      'by=ana&act=kill&from=2026-01-15T09%3A30Z',
    );
    expect(printLogSearch(WHOLE_LOG)).toBe('');
  });

  it.each([
    'act=destroy&state=odd',
    'within=1y&from=yesterday&to=2026-13-45T99:99Z',
    'before=1.a.b',
    'by=+++',
    '',
  ])('ignore %j', (address) => expect(parse(address)).toEqual(WHOLE_LOG));

  it('never throw, whatever the URL contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        const asked = parseLogSearch(() => any);
        expect(parse(printLogSearch(asked)).act).toBe(asked.act);
      }),
    );
  });

  it('are set by anything but the page', () => {
    expect(isNarrowed({ ...WHOLE_LOG, before: { atMs: 1, id: 'a' } })).toBe(false);
    expect(isNarrowed({ ...WHOLE_LOG, by: 'ana' })).toBe(true);
  });

  it('apply a span relative to now instead of fixed limits', () => {
    const times = { within: '1h', fromMs: 1, toMs: 2 } as const;
    expect(timeRangeOf(times, 10_000_000)).toEqual({ sinceMs: 6_400_000, untilMs: null });
    expect(timeRangeOf({ ...times, within: null }, 10_000_000)).toEqual({ sinceMs: 1, untilMs: 2 });
  });

  it('detect invalid ids and names', () => {
    expect(canMatch({ ...WHOLE_LOG, by: 'ana', sandbox: 'i1' })).toBe(true);
    expect(canMatch({ ...WHOLE_LOG, by: 'a\0' })).toBe(false);
    expect(canMatch({ ...WHOLE_LOG, sandbox: "' or 1=1" })).toBe(false);
  });
});
