import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { MAX_COLUMNS, MAX_ROWS, readTable } from './table-rows';

test('round-trips any cells', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\t', 'é', ' ', ';') });
  const table = fc.array(
    fc.array(
      cell.filter((text) => text.trim() !== ''),
      { minLength: 2, maxLength: 4 },
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const read = await readTable(Papa.unparse(rows, { newline: '\n' }), { delimiter: ',' });
      expect([read.header, ...read.rows]).toEqual(rows);
      expect(read.problem).toBeNull();
    }),
  );
});

test('detects the delimiter', async () => {
  for (const delimiter of [',', '\t', ';', '|'])
    expect((await readTable(`a${delimiter}b\n1${delimiter}2\n3${delimiter}4\n`)).delimiter).toBe(delimiter);
});

test('parses a table in many parts', async () => {
  const lines = Array.from({ length: 60_000 }, (_, n) => `${n},"a ""quoted"" line\nand another"`);
  const { rows } = await readTable(`n,text\n${lines.join('\n')}`);
  expect(rows.length).toBe(60_000);
  expect(rows.every(([n, text], at) => n === String(at) && text === 'a "quoted" line\nand another')).toBe(
    true,
  );
});

test('cuts excessive tables and reports it', async () => {
  const wide = await readTable(`a\n${','.repeat(999_999)}`, { delimiter: ',' });
  expect([wide.columns, wide.rows[0]?.length]).toEqual([1_000_000, MAX_COLUMNS]);
  const long = await readTable('a\n'.repeat(MAX_ROWS + 10));
  expect([long.rows.length, long.isCut]).toEqual([MAX_ROWS, true]);
  const open = await readTable(`a,b\n1,"${'x'.repeat(20_000_000)}`, { delimiter: ',' });
  expect(open).toMatchObject({ isCut: true, problem: { message: 'the row is too long' } });
});

test('reports an error and continues', async () => {
  const { problem, rows } = await readTable('a,b\n1,"open\n2,3', { delimiter: ',' });
  expect(problem?.message).toMatch(/quote/i);
  expect(rows[0]?.[0]).toBe('1');
  expect(await readTable('')).toMatchObject({ header: [], rows: [], columns: 0 });
});

test('can be aborted', async () => {
  const leaving = new AbortController();
  const reading = readTable('a,b\n'.repeat(400_000), { signal: leaving.signal });
  leaving.abort(new Error('left'));
  await expect(reading).rejects.toThrow('left');
});
