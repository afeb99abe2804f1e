import { describe, expect, it } from 'vitest';
import { mixedFleet, NOW_MS } from '../test-fleet';
import { parseFilter } from './filter';
import { compileFilter } from './match';
import { countIds, idsInPasted, onlyIdIn, withIds } from './pasted-ids';

const A = 'i9h51p1tj7sbhswri0lhh';
const B = 'i7kh0tl11tyw3inzzbyqq';
const SHORT = 'sbx-1';
const isKnown = (id: string) => id === SHORT;

describe('idsInPasted', () => {
  it.each([
    ['one per line', `${A}\n${B}\n`],
    ['lines of Windows', `${A}\r\n${B}`],
    ['commas', `${A},${B}`],
    ['commas and spaces', ` ${A}, ${B} `],
    ['spaces and tabs', `${A} \t${B}`],
    ['semicolons', `${A};${B}`],
    ['JSON', `["${A}", "${B}"]`],
    ['code', `'${A}',\n'${B}',`],
    ['a Markdown list', `- \`${A}\`\n- \`${B}\``],
    ['the same id twice', `${A}\n${B}\n${A}`],
  ])('reads ids from %s', (_, text) => {
    expect(idsInPasted(text, isKnown)).toEqual([A, B]);
  });

  it('reads a short id only if the fleet has it', () => {
    expect(idsInPasted(SHORT, isKnown)).toEqual([SHORT]);
    expect(idsInPasted('sbx-2', isKnown)).toBeNull();
  });

  it.each([
    '',
    '  ',
    'production',
    'owner=ana',
    'environment=development age>2h',
    `${A} production`,
    'pr-4001 pr-4002',
  ])('leaves %j to the input', (text) => {
    expect(idsInPasted(text, isKnown)).toBeNull();
  });
});

describe('withIds', () => {
  it('adds one term that matches exactly these sandboxes', () => {
    const rows = mixedFleet(50);
    const ids = rows.slice(3, 40).map(({ sandbox }) => sandbox.id);
    const parsed = parseFilter(withIds('', ids));
    expect(parsed).toMatchObject({ ok: true, filter: [{ kind: 'id' }] });
    const test = compileFilter(parsed.filter);
    expect(rows.filter((row) => test(row, NOW_MS)).map(({ sandbox }) => sandbox.id)).toEqual(ids);
  });

  it('keeps the other terms and the draft, and joins the ids that are there', () => {
    expect(withIds('state:running own', [A])).toBe(`state:running id:${A} own`);
    expect(withIds(`id:${A} state:running `, [B, A])).toBe(`state:running id:${A},${B} `);
    expect(withIds(`!id:${A} `, [B])).toBe(`!id:${A} id:${B} `);
    expect(countIds(withIds(`id:${A} `, [B]))).toBe(2);
  });
});

describe('onlyIdIn', () => {
  const ID = 'i4x9kq2mz7w1p0abc';
  it.each([
    [`id:${ID}`, ID],
    [ID, ID],
    [`connection:prod id:${ID}`, ID],
    [`!id:${ID}`, null],
    [`id:${ID},i5`, null],
    [`id:${ID} owner=ana`, null],
    ['id:i4', null],
    ['nightly', null],
    ['', null],
  ])('finds in %j the id %j', (text, id) => expect(onlyIdIn(parseFilter(text).filter)).toBe(id));
});
