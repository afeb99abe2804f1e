import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowWith } from '../../fleet/test-fleet';
import { idOf, keyOf } from '../../sandbox-key';
import { countOutcomes, type Operation, OUTCOMES, type RecordedItem } from '../schema';
import { parseRecordFormat, recordFileName, recordParts, recordText } from './record-file';

function itemWith(
  id: string,
  metadata: Record<string, string>,
  more: Partial<RecordedItem> = {},
): RecordedItem {
  const { sandbox } = rowWith({ key: keyOf('prod-eu', id), id, metadata });
  return { sandboxKey: sandbox.key, outcome: 'done', message: null, tookMs: 80, sandbox, ...more };
}

function operationOf(items: readonly RecordedItem[], changes: Partial<Operation> = {}): Operation {
  return {
    id: 'Op_1-x',
    act: 'kill',
    params: {},
    actorId: 'user-ana',
    actor: 'ana',
    reason: '',
    filter: '',
    state: 'finished',
    createdAtMs: Date.parse('2026-01-15T09:31:04.123Z'),
    startsAtMs: 0,
    finishedAtMs: 0,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
    connections: ['local'],
    counts: countOutcomes(items),
    ...changes,
  };
}

/** A strict RFC 4180 parser. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = '';
    if (text[at] === '"') {
      at += 1;
      while (text[at] !== '"' || text[at + 1] === '"') {
        cell += text[at];
        at += text[at] === '"' ? 2 : 1;
        if (at > text.length) throw new Error('A quote is open');
      }
      at += 1;
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n') throw new Error('A cell should have been quoted');
        cell += text[at];
        at += 1;
      }
    }
    row.push(cell);
    if (text[at] === ',') at += 1;
    else {
      if (text.slice(at, at + 2) !== '\r\n') throw new Error(`Something else follows a cell at ${at}`);
      at += 2;
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

function recordsOf(text: string): Record<string, string>[] {
  const [titles = [], ...rows] = readCsv(text);
  return rows.map((cells) => Object.fromEntries(titles.map((title, index) => [title, cells[index] ?? ''])));
}

const csvOf = (items: readonly RecordedItem[], changes: Partial<Operation> = {}) =>
  recordText('csv', operationOf(items, changes), items);

/** Removes the formula guard of a cell. */
const unguarded = (cell: string) => (/^'+[=+\-@\t\r\n＝＋－＠]/.test(cell) ? cell.slice(1) : cell);

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '=1+1',
    '+1',
    '-1',
    '@x',
    '\t=x',
    '\r\n',
    '"',
    '""',
    'a"b,c',
    'é\u0301 👩‍👧',
    ' ',
    "'=x",
    '＝x',
  ),
);
const anyItem = fc
  .record({
    id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
    metadata: fc.dictionary(anyText, anyText, { maxKeys: 6 }),
    outcome: fc.constantFrom(...OUTCOMES),
    message: fc.option(anyText),
    tookMs: fc.option(fc.nat()),
  })
  .map(({ id, metadata, ...rest }) => itemWith(id, metadata, rest));
const anyItems = fc.array(anyItem, { maxLength: 12 });

describe('results as CSV', () => {
  it('contain person, action, time and sandbox', () => {
    const text = csvOf([
      itemWith('i1', { owner: 'ana', run: 'pr-1' }),
      itemWith('i2', { owner: 'li' }, { outcome: 'failed', message: '500, still running', tookMs: null }),
    ]);
    expect(text.split('\r\n')[0]).toBe(
      'operation,act,by,at,connection,sandbox,outcome,detail,took_ms,template,state_then,started_at,metadata.owner,metadata.run',
    );
    expect(recordsOf(text)).toMatchObject([
      {
        ...{
          operation: 'Op_1-x',
          act: 'kill',
          by: 'ana',
          at: '2026-01-15T09:31:04.123Z',
          connection: 'prod-eu',
        },
        ...{
          sandbox: 'i1',
          outcome: 'done',
          detail: '',
          took_ms: '80',
          'metadata.owner': 'ana',
          'metadata.run': 'pr-1',
        },
      },
      { sandbox: 'i2', outcome: 'failed', detail: '500, still running', took_ms: '', 'metadata.run': '' },
    ]);
  });

  it('contain archives', () => {
    const saved = { name: 'Op_1-x/prod-eu.i1.tar.gz', bytes: 1_234, entries: 3, leftOut: 1 };
    const items = [itemWith('i1', {}, { saved }), itemWith('i2', {}, { outcome: 'failed' })];
    const [first, second] = recordsOf(csvOf(items, { params: { exportPath: '~' } }));
    expect(first).toMatchObject({
      ...{
        saved_as: 'Op_1-x/prod-eu.i1.tar.gz',
        saved_bytes: '1234',
        saved_entries: '3',
        saved_left_out: '1',
      },
    });
    expect(second).toMatchObject({ saved_as: '', saved_bytes: '', saved_entries: '' });
    expect(csvOf(items)).not.toContain('saved_as');
    const json = JSON.parse(recordText('json', operationOf(items), items));
    expect(json.items[0].saved).toEqual(saved);
  });

  it('round-trip any text', () => {
    fc.assert(
      fc.property(anyItems, anyText, (items, actor) => {
        const records = recordsOf(csvOf(items, { actor }));
        expect(records.length).toBe(items.length);
        items.forEach((item, index) => {
          const record = records[index] ?? {};
          expect(record.outcome).toBe(item.outcome);
          expect(unguarded(record.by ?? '')).toBe(actor);
          expect(record.connection).toBe('prod-eu');
          expect(unguarded(record.sandbox ?? '')).toBe(idOf(item.sandboxKey));
          expect(unguarded(record.detail ?? '')).toBe(item.message ?? '');
          for (const [key, value] of Object.entries(item.sandbox.metadata))
            expect(unguarded(record[`metadata.${key}`] ?? '')).toBe(value);
        });
      }),
    );
  });

  it('contain no formulas', () => {
    fc.assert(
      fc.property(anyItems, anyText, (items, actor) => {
        for (const cell of readCsv(csvOf(items, { actor })).flat())
          expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
      }),
    );
    expect(csvOf([itemWith('-i', { a: '=HYPERLINK("http://x","y")' })])).toContain(
      `,prod-eu,'-i,done,,80,base,running,2026-01-15T10:00:00.000Z,"'=HYPERLINK(""http://x"",""y"")"`,
    );
  });

  it('have a cell per column in each row', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const widths = new Set(readCsv(csvOf(items)).map((cells) => cells.length));
        expect(widths.size).toBe(1);
      }),
    );
  });

  it('list frequent keys first and join those beyond the 64th', () => {
    const many = Object.fromEntries(
      Array.from({ length: 70 }, (_, at) => [`k${String(at).padStart(2, '0')}`, 'v']),
    );
    const text = csvOf([itemWith('i1', many), itemWith('i2', { zzz: 'z' }), itemWith('i3', { zzz: 'z' })]);
    const titles = readCsv(text)[0]?.slice(12) ?? [];
    expect(titles[0]).toBe('metadata.zzz');
    expect(titles.length).toBe(65);
    expect(titles.at(-1)).toBe('more_metadata');
    const [first, second] = recordsOf(text);
    expect(Object.keys(JSON.parse(first?.more_metadata ?? ''))).toEqual([
      'k63',
      'k64',
      'k65',
      'k66',
      'k67',
      'k68',
      'k69',
    ]);
    expect(second?.more_metadata).toBe('');
  });

  it('are complete for any number of items', () => {
    const items = Array.from({ length: 5_001 }, (_, at) => itemWith(`i${at}`, { at: String(at) }));
    const parts = [...recordParts('csv', operationOf(items), items)];
    expect(parts.length).toBe(12);
    expect(recordsOf(parts.join('')).map((record) => record['metadata.at'])).toEqual(
      items.map((_, at) => String(at)),
    );
  });
});

describe('results as JSON', () => {
  it('contain exactly the operation and its items', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const operation = operationOf(items);
        expect(JSON.parse(recordText('json', operation, items))).toEqual({ operation, items });
      }),
    );
  });

  it('are complete for any number of items', () => {
    const items = Array.from({ length: 1_001 }, (_, at) => itemWith(`i${at}`, {}));
    expect(JSON.parse(recordText('json', operationOf(items), items)).items.length).toBe(1_001);
  });
});

describe('the file', () => {
  it('has a descriptive name', () => {
    expect(recordFileName('csv', operationOf([itemWith('i1', {})]))).toBe(
      'kill-1-2026-01-15T093104Z-Op_1-x.csv',
    );
    expect(recordFileName('json', operationOf([], { id: '../"\r\n/x' }))).toBe(
      'kill-0-2026-01-15T093104Z-x.json',
    );
  });

  it('has a known format', () => {
    expect(parseRecordFormat('csv')).toBe('csv');
    expect(parseRecordFormat('exe')).toBeNull();
    expect(parseRecordFormat(null)).toBeNull();
  });
});
