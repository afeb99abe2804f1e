/**
 * A kill of 1,000 sandboxes at a service that answers after 50 ms: by Sandkeeper, from the confirmation until every sandbox
 * is verified gone; by the sequential SDK loop of the vendor's documentation; and by a minimal client, which sends at the best
 * of several fixed concurrencies and reads the list once at the end.
 *
 * Sandkeeper runs without its cancel window, and with the highest of those concurrencies as its limit.
 * Options: --sandboxes N, --rounds N, --verbose.
 */
import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { Sandbox } from '@moru-ai/core';
import { Sandkeeper } from '../e2e/support/deployment';
import { localKey } from '../e2e/support/local';
import { Moru } from '../e2e/support/moru';
import { percentile } from './support/keystrokes';
import { report } from './support/report';
import { timedKill } from './support/timed-kill';

const { values: options } = parseArgs({
  options: {
    sandboxes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    verbose: { type: 'boolean', default: false },
  },
});
const SANDBOXES = Number(options.sandboxes);
const ROUNDS = Number(options.rounds);
const LATENCY_MS = 50;
const CONCURRENCIES = [16, 32, 64, 128];
const SLOW_ROUTES = ['DELETE /sandboxes/*', 'GET /sandboxes/*', 'GET /v2/sandboxes'];

const tell = (figure: string, value: number, unit: string) => report('kill', figure, value, unit);
const note = (text: string) => options.verbose && console.error(text);

const sandkeeper = await Sandkeeper.open({
  maxRunning: SANDBOXES * 2,
  env: {
    SANDKEEPER_CANCEL_WINDOW_SECONDS: '0',
    SANDKEEPER_MAX_CONCURRENCY: String(Math.max(...CONCURRENCIES)),
  },
});
const moru = new Moru(sandkeeper.engine);

/** Creates a fleet, then makes the service slow. */
async function makeFleet(): Promise<string[]> {
  await moru.clearFaults();
  await moru.createMany(SANDBOXES, (index) => ({ environment: 'development', run: `run-${index}` }));
  const ids = await moru.listIds();
  for (const route of SLOW_ROUTES) await moru.addFault({ route, latencyMs: LATENCY_MS });
  return ids;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function requireNone(): Promise<void> {
  await moru.clearFaults();
  const left = (await moru.listIds()).length;
  if (left > 0) throw new Error(`${left} sandboxes were left.`);
}

/** The time from the confirmation until the operation is finished, as reported to a browser. */
async function measureSandkeeper(session: string): Promise<number> {
  const ids = await makeFleet();
  const tookMs = await timedKill(sandkeeper, session, ids.map(localKey));
  await requireNone();
  return tookMs;
}

/** The time of `for (const id of ids) await Sandbox.kill(id)`, without the list. */
async function measureLoop(): Promise<number> {
  const ids = await makeFleet();
  // The static methods accept options that their types omit.
  const connection = { apiKey: sandkeeper.engine.apiKey, apiUrl: sandkeeper.engine.url } as {
    apiKey: string;
  };
  const tookMs = await timed(async () => {
    for (const id of ids) await Sandbox.kill(id, connection);
  });
  await requireNone();
  return tookMs;
}

/** `readsFirst`: first reads the whole list, as Sandkeeper always does after the confirmation. */
async function measureLimit(concurrency: number, { readsFirst = false } = {}): Promise<number> {
  const rest = (await makeFleet()).values();
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const tookMs = await timed(async () => {
    if (readsFirst) await moru.listIds();
    const send = async () => {
      for (const id of rest) await moru.ask('DELETE', `/sandboxes/${id}`, undefined, agent);
    };
    await Promise.all(Array.from({ length: concurrency }, send));
    await moru.ask('GET', '/v2/sandboxes', undefined, agent);
  });
  agent.destroy();
  await requireNone();
  return tookMs;
}

try {
  const { admin } = await sandkeeper.openSessions();
  const limits = new Map<number, number[]>(CONCURRENCIES.map((concurrency) => [concurrency, []]));
  const ours: number[] = [];
  // The first round is a warm-up. Then alternate, so that other load affects all alike.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const tookMs = await measureSandkeeper(admin);
    note(`Sandkeeper: ${tookMs.toFixed()} ms`);
    if (round > 0) ours.push(tookMs);
    for (const [concurrency, times] of limits) {
      const limitMs = await measureLimit(concurrency);
      note(`${concurrency} at once: ${limitMs.toFixed()} ms`);
      if (round > 0) times.push(limitMs);
    }
  }
  const loopMs = await measureLoop();
  const sandkeeperMs = percentile(ours, 0.5);
  const [best, limitMs] = [...limits]
    .map(([concurrency, times]) => [concurrency, percentile(times, 0.5)] as const)
    .reduce((fastest, next) => (next[1] < fastest[1] ? next : fastest));
  const readFirstMs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    readFirstMs.push(await measureLimit(best, { readsFirst: true }));
    note(`${best} at once after a reading: ${readFirstMs.at(-1)?.toFixed()} ms`);
  }
  const limitAfterReadMs = percentile(readFirstMs, 0.5);
  tell('sandkeeper_ms', sandkeeperMs, 'ms');
  tell('loop_ms', loopMs, 'ms');
  tell('limit_ms', limitMs, 'ms');
  tell('limit_concurrency', best, 'requests');
  tell('limit_after_look_ms', limitAfterReadMs, 'ms');
  tell('ratio_to_limit', sandkeeperMs / limitMs, 'ratio');
  tell('ratio_to_limit_after_look', sandkeeperMs / limitAfterReadMs, 'ratio');
  tell('ratio_to_loop', sandkeeperMs / loopMs, 'ratio');
} finally {
  await sandkeeper.close();
}
