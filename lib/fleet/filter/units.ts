export const COMPARED_FIELDS = ['age', 'up', 'left', 'cpu', 'memory'] as const;
export type ComparedField = (typeof COMPARED_FIELDS)[number];

/** An amount in the unit of the field, or an error message for people. */
type AmountReading = { readonly amount: number } | { readonly problem: string };

type Quantity = {
  /** Completes "`age>` needs …". */
  readonly needs: string;
  /** Whether `=` is allowed. Not for times, which change continuously. */
  readonly equal: boolean;
  readonly read: (text: string) => AmountReading;
  readonly print: (amount: number) => string;
};

const SECOND_MS = 1000;
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', SECOND_MS],
  ['m', 60 * SECOND_MS],
  ['h', 3600 * SECOND_MS],
  ['d', 86_400 * SECOND_MS],
  ['w', 604_800 * SECOND_MS],
]);
const UNIT_MB: ReadonlyMap<string, number> = new Map([
  ['m', 1],
  ['g', 1024],
]);
/** Larger than any real amount. Below these limits every amount prints and parses exactly. */
const MAX_DURATION_MS = Number.MAX_SAFE_INTEGER;
const MAX_AMOUNT = 1e9;

const NUMBER = /^\d+(?:\.\d+)?$/;
const DURATION = /^(?:\d+(?:\.\d+)?[smhdw])+$/i;
const DURATION_PART = /(\d+(?:\.\d+)?)([smhdw])/gi;
const MEMORY = /^(\d+(?:\.\d+)?)([mg])(?:i?b)?$/i;
const SHOWN_LENGTH = 24;

/** Durations are in ms, memory in MB. */
export const QUANTITIES = {
  age: { needs: 'a duration such as 2h or 30m', equal: false, read: readDuration, print: printDuration },
  up: { needs: 'a duration such as 2h or 30m', equal: false, read: readDuration, print: printDuration },
  left: { needs: 'a duration such as 10m or 1h', equal: false, read: readDuration, print: printDuration },
  cpu: { needs: 'a number of vCPUs such as 4', equal: true, read: readCpu, print: String },
  memory: { needs: 'an amount such as 4GB or 512MB', equal: true, read: readMemory, print: printMemory },
} satisfies Record<ComparedField, Quantity>;

function readDuration(text: string): AmountReading {
  if (NUMBER.test(text))
    return { problem: `${shown(text)} needs a unit: s, m, h, d or w, as in ${unitExample(text, 'h')}.` };
  if (!DURATION.test(text))
    return { problem: `${shown(text)} is not a duration. Use a format like 2h, 30m or 1h30m.` };
  let sumMs = 0;
  for (const [, number, unit = ''] of text.matchAll(DURATION_PART)) {
    sumMs += Number(number) * (UNIT_MS.get(unit.toLowerCase()) ?? 0);
  }
  return atMost(Math.round(sumMs), MAX_DURATION_MS, text);
}

/** Uses weeks only for whole weeks: `10d`, not `1w3d`. */
function printDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  const weekMs = UNIT_MS.get('w') ?? 1;
  if (durationMs % weekMs === 0) return `${durationMs / weekMs}w`;
  let restMs = durationMs;
  let printed = '';
  for (const unit of ['d', 'h', 'm']) {
    const unitMs = UNIT_MS.get(unit) ?? 1;
    const count = Math.floor(restMs / unitMs);
    if (count > 0) printed += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return restMs > 0 ? `${printed}${restMs / SECOND_MS}s` : printed;
}

function readCpu(text: string): AmountReading {
  if (!NUMBER.test(text)) return { problem: `${shown(text)} is not a number of vCPUs. Use a number like 4.` };
  return atMost(Math.round(Number(text) * 1000) / 1000, MAX_AMOUNT, text);
}

function readMemory(text: string): AmountReading {
  if (NUMBER.test(text))
    return { problem: `${shown(text)} needs a unit: MB or GB, as in ${unitExample(text, 'GB')}.` };
  const [, number = '', unit = ''] = MEMORY.exec(text) ?? [];
  const unitMB = UNIT_MB.get(unit.toLowerCase());
  if (unitMB === undefined)
    return { problem: `${shown(text)} is not an amount of memory. Use a format like 4GB or 512MB.` };
  return atMost(Math.round(Number(number) * unitMB), MAX_AMOUNT, text);
}

function printMemory(memoryMB: number): string {
  const gigabyteMB = UNIT_MB.get('g') ?? 1;
  return memoryMB > 0 && memoryMB % gigabyteMB === 0 ? `${memoryMB / gigabyteMB}GB` : `${memoryMB}MB`;
}

function atMost(amount: number, maximum: number, text: string): AmountReading {
  return amount <= maximum ? { amount } : { problem: `${shown(text)} is too large.` };
}

function unitExample(text: string, unit: string): string {
  return text.length <= SHOWN_LENGTH ? `${text}${unit}` : `2${unit}`;
}

/** Truncates typed text for a message. */
export function shown(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`;
}
