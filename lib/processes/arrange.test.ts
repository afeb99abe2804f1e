import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrange, type MeasuredProcess, measure, orderBy, parseOrder, printOrder } from './arrange';

const process = (pid: number, parentPid: number, more: Partial<MeasuredProcess> = {}): MeasuredProcess => ({
  pid,
  parentPid,
  command: `c${pid}`,
  uid: 0,
  state: 'S',
  startTicks: pid,
  startedAtMs: 0,
  cpuMs: 0,
  memoryBytes: 0,
  hasTerminal: false,
  isEssential: false,
  cpuShare: null,
  ...more,
});
const shown = (...given: Parameters<typeof arrange>) =>
  arrange(...given).map(({ pid, depth }) => `${'-'.repeat(depth)}${pid}`);
const TREE = parseOrder(null);

describe('arrange', () => {
  const processes = [
    process(1, 0),
    process(2, 1, { memoryBytes: 10 }),
    process(3, 1, { memoryBytes: 30 }),
    process(4, 2, { memoryBytes: 90 }),
    process(9, 7, { memoryBytes: 50 }),
  ];

  it('puts children below their parents and sorts siblings', () => {
    expect(shown(processes, TREE)).toEqual(['1', '-2', '--4', '-3', '9']);
    expect(shown(processes, parseOrder('-memory,tree'))).toEqual(['9', '1', '-3', '-2', '--4']);
  });

  it('sorts a flat list by a column', () => {
    expect(shown(processes, parseOrder('-memory'))).toEqual(['4', '9', '3', '2', '1']);
  });

  it('shows each process once, whatever the parents are', () => {
    const pid = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(pid, pid), { selector: ([id]) => id }), (pairs) => {
        const arranged = arrange(
          pairs.map(([id, parent]) => process(id, parent)),
          TREE,
        );
        expect(arranged.map(({ pid: id }) => id).sort()).toEqual(pairs.map(([id]) => id).sort());
      }),
    );
    const chain = Array.from({ length: 5_000 }, (_, at) => process(at + 1, at));
    expect(arrange(chain, TREE).at(-1)?.depth).toBe(4_999);
  });
});

it('measures the processor time between two readings of the same process', () => {
  const at = (atMs: number, cpuMs: number, startTicks = 5) => ({
    processes: [{ ...process(5, 1), cpuMs, startTicks }],
    isCut: false,
    atMs,
  });
  expect(measure(at(0, 100), null)[0]?.cpuShare).toBeNull();
  expect(measure(at(4_000, 3_100), at(0, 100))[0]?.cpuShare).toBe(0.75);
  expect(measure(at(4_000, 3_100, 6), at(0, 100))[0]?.cpuShare).toBeNull();
});

it('turns the order around on a second click, and reads it from the URL', () => {
  const cpu = orderBy('cpu', TREE);
  expect(printOrder(cpu)).toBe('-cpu,tree');
  expect(printOrder(orderBy('cpu', cpu))).toBe('cpu,tree');
  for (const order of [TREE, cpu, { ...cpu, isTree: false }])
    expect(parseOrder(printOrder(order))).toEqual(order);
  expect(parseOrder('nonsense')).toEqual(TREE);
});
