import type { Sandbox } from '../sandbox/schema';
import { keyOf } from '../sandbox-key';
import { type IndexedSandbox, indexSandbox } from './row-index';

const HOUR_MS = 3_600_000;

/** The current time in tests with these fleets. */
export const NOW_MS = Date.UTC(2026, 0, 15, 12);

/** By default a running sandbox of the `base` template, two hours old, with half an hour left. */
function sandboxWith(changes: Partial<Sandbox> = {}): Sandbox {
  const id = changes.id ?? 'ia7kh0tl11tyw3inzzbyq';
  return {
    key: keyOf('local', id),
    id,
    templateId: 'rki5dems9wqfm4r03t7g',
    alias: 'base',
    state: 'running',
    metadata: {},
    startedAtMs: NOW_MS - 2 * HOUR_MS,
    endAtMs: NOW_MS + HOUR_MS / 2,
    cpuCount: 2,
    memoryMB: 4096,
    diskSizeMB: 10_240,
    envdVersion: '0.2.0',
    ...changes,
  };
}

/** `serviceAheadMs`: how far the clock of its service is ahead. */
export function rowWith(changes: Partial<Sandbox> = {}, clock = { serviceAheadMs: 0 }): IndexedSandbox {
  return indexSandbox(sandboxWith(changes), clock);
}

const OWNERS = ['ana', 'marek', 'li', 'priya', 'ci-bot', 'Ana Maria'];
const TEAMS = ['agents', 'evals', 'research'];
const TEMPLATES = ['base', 'python', 'code-runner', 'browser-use'];
const ENVIRONMENTS = ['development', 'staging', 'production'];

function pick<T>(values: readonly T[], at: number): T {
  const value = values[at % values.length];
  if (value === undefined) throw new Error('Nothing to pick from.');
  return value;
}

/** A realistic, deterministic fleet with five metadata keys, one of them almost unique per sandbox. */
export function mixedFleet(size: number): IndexedSandbox[] {
  return Array.from({ length: size }, (_, at) => {
    const spread = (at * 7919) % 10_007;
    return rowWith({
      id: `i${spread.toString(36).padStart(8, '0')}${at.toString(36).padStart(12, 'x')}`,
      alias: pick(TEMPLATES, spread),
      state: spread % 8 === 0 ? 'paused' : 'running',
      metadata: {
        environment: pick(ENVIRONMENTS, spread >> 1),
        owner: pick(OWNERS, spread >> 2),
        team: pick(TEAMS, spread >> 3),
        run: `pr-${4000 + (spread % 40)}`,
        task: `task-${at}`,
      },
      startedAtMs: NOW_MS - spread * 9000,
      endAtMs: NOW_MS + (spread % 3600) * 1000,
      cpuCount: pick([2, 4, 8], spread),
    });
  });
}
