import { randomInt } from 'node:crypto';
import type { EngineServices } from './services';
import type { StringMap } from './string-map';
import { findTemplate, type Template } from './templates';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Leaves some of the limit of running sandboxes to the user. */
const RUNNING_SHARE = 3 / 4;

type Kind = { template: string; weight: number; metadata(): StringMap };

const PEOPLE = ['ana', 'bjorn', 'chidi', 'dilnoza', 'eva', 'farid', 'grace', 'hiro'];
const REPOSITORIES = ['storefront', 'billing-api', 'search-indexer', 'mobile-gateway', 'design-tokens'];
const TASKS = [
  'Reproduce the rounding difference between the invoice preview and the booked invoice for customers with more than one tax rate',
  'Walk through the checkout as a new customer with a voucher, a gift card and two delivery addresses, and list every page reload',
  'Compare the weekly revenue export with the warehouse and explain every difference above one percent',
  'Upgrade the date library, run the whole test suite and document the changes for users in time zones with half-hour offsets',
];

const KINDS: readonly Kind[] = [
  {
    template: 'code-runner',
    weight: 5,
    metadata: () => ({
      team: 'agents',
      purpose: 'coding agent',
      run: `run-${token(6)}`,
      repository: pick(REPOSITORIES),
      task: pick(TASKS),
    }),
  },
  {
    template: 'browser-use',
    weight: 3,
    metadata: () => ({
      team: 'growth',
      purpose: 'checkout walk',
      run: `walk-${token(5)}`,
      task: pick(TASKS),
    }),
  },
  {
    template: 'python',
    weight: 4,
    metadata: () => ({
      team: 'data',
      purpose: 'notebook',
      run: `nb-${randomInt(100, 999)}`,
      dataset: `events-2026-${two(randomInt(1, 13))}`,
    }),
  },
  {
    template: 'base',
    weight: 3,
    metadata: () => ({
      team: 'platform',
      purpose: 'pull request preview',
      run: `pr-${randomInt(200, 2_400)}`,
      repository: pick(REPOSITORIES),
      commit: token(40, '0123456789abcdef'),
    }),
  },
  {
    template: 'base',
    weight: 2,
    metadata: () => ({ team: 'support', purpose: 'customer case', case: `C-${randomInt(10_000, 99_999)}` }),
  },
  { template: 'python', weight: 1, metadata: () => ({ purpose: 'scratch' }) },
];

/**
 * Creates `count` sandboxes, some running and some paused, with realistic metadata and start times in the past.
 * @returns `count`.
 */
export async function createDemoFleet(count: number, services: EngineServices): Promise<number> {
  const { registry, limits } = services;
  const free = Math.max(0, limits.maxRunning - registry.count('running') - registry.count('pausing'));
  const running = Math.min(Math.floor(free * RUNNING_SHARE), Math.ceil(count * RUNNING_SHARE));
  for (let created = 0; created < count; created += 1) await createOne(created < running, services);
  return count;
}

async function createOne(isRunning: boolean, { lifecycle, limits }: EngineServices): Promise<void> {
  const kind = pickKind();
  const input = {
    template: templateOf(kind),
    // Most sandboxes pause at their timeout, because a demo should not empty itself.
    autoPause: randomInt(0, 3) > 0,
    secure: true,
    allowInternetAccess: randomInt(0, 5) > 0,
    metadata: { environment: pickEnvironment(), owner: pick(PEOPLE), ...kind.metadata() },
    envVars: {},
  };
  await lifecycle.createAged(
    input,
    isRunning ? runningAge(limits.maxLengthMs) : pausedAge(limits.maxLengthMs),
  );
}

/** Started within the last 55 minutes, with at least two minutes left. */
function runningAge(maxLengthMs: number) {
  const now = Date.now();
  const minLeftMs = Math.min(2 * MINUTE_MS, maxLengthMs / 2);
  const startedAtMs = now - between(0, Math.min(55 * MINUTE_MS, maxLengthMs - minLeftMs));
  return { startedAtMs, endAtMs: between(now + minLeftMs, startedAtMs + maxLengthMs) };
}

/** Paused between two minutes and three days ago, mostly recently. */
function pausedAge(maxLengthMs: number) {
  const pausedAtMs =
    Date.now() - between(2 * MINUTE_MS, 12 * MINUTE_MS) - (randomInt(0, 1_000) / 1_000) ** 3 * 72 * HOUR_MS;
  const startedAtMs = Math.round(pausedAtMs - between(MINUTE_MS, Math.max(MINUTE_MS, maxLengthMs)));
  return { startedAtMs, endAtMs: startedAtMs + maxLengthMs, pausedAtMs: Math.round(pausedAtMs) };
}

function pickEnvironment(): string {
  return pick(['development', 'development', 'development', 'staging', 'staging', 'production']);
}

function pickKind(): Kind {
  return pick(KINDS.flatMap((kind) => Array.from({ length: kind.weight }, () => kind)));
}

function templateOf({ template }: Kind): Template {
  const found = findTemplate(template);
  if (found === undefined) throw new Error(`Unknown template ${template}`);
  return found;
}

function pick<T>(items: readonly T[]): T {
  const item = items[randomInt(0, items.length)];
  if (item === undefined) throw new Error('The list is empty');
  return item;
}

/** A random integer in [from, to), or `from` if the range is empty. */
function between(from: number, to: number): number {
  const low = Math.ceil(from);
  return to - low < 1 ? low : randomInt(low, Math.floor(to));
}

function token(length: number, letters = 'abcdefghjkmnpqrstuvwxyz23456789'): string {
  return Array.from({ length }, () => letters[randomInt(0, letters.length)]).join('');
}

const two = (value: number) => String(value).padStart(2, '0');
