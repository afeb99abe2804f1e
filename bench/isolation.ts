/**
 * What a connection that misbehaves costs the others: a kill over two good connections, and the time until a new sandbox of one
 * of them reaches a browser, while a third service is stopped, answers after ten seconds, or lists sandboxes without an
 * end. Each against the same with a third service that is fine and empty, in the same round.
 * Options: --sandboxes N (per connection), --rounds N, --verbose.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineProcess, Sandkeeper } from '../e2e/support/deployment';
import { cookieOf, openLive } from '../e2e/support/http';
import { Moru } from '../e2e/support/moru';
import { keyOf, type SandboxKey } from '../lib/sandbox-key';
import { removeTree } from '../lib/test-support/remove-tree';
import { percentile } from './support/keystrokes';
import { report } from './support/report';
import { timedKill } from './support/timed-kill';

const { values: options } = parseArgs({
  options: {
    sandboxes: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    verbose: { type: 'boolean', default: false },
  },
});
const SANDBOXES = Number(options.sandboxes);
const ROUNDS = Number(options.rounds);
const NEW_PER_ROUND = 5;
const LATENCY_MS = 50;
const SLOW_ROUTES = ['DELETE /sandboxes/*', 'GET /sandboxes/*', 'GET /v2/sandboxes'];
const SLOW_MS = 10_000;
const MODES = ['fine', 'stopped', 'slow', 'endless'] as const;
type Mode = (typeof MODES)[number];

const tell = (figure: string, value: number, unit: string) => report('isolation', figure, value, unit);
const note = (text: string) => options.verbose && console.error(text);

/** The third service, which does what `mode` says. */
class OddService {
  mode: Mode = 'fine';
  #rows = 0;
  readonly #server: Server = createServer((_, response) => {
    if (this.mode === 'stopped') response.destroy();
    else setTimeout(() => this.#answer(response), this.mode === 'slow' ? SLOW_MS : 0);
  });

  #answer(response: ServerResponse): void {
    const isEndless = this.mode === 'endless';
    const rows = Array.from({ length: isEndless ? 100 : 0 }, () => row(++this.#rows));
    response.writeHead(200, {
      'content-type': 'application/json',
      ...(isEndless ? { 'x-next-token': `after-${this.#rows}` } : {}),
    });
    response.end(JSON.stringify(rows));
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function row(number: number) {
  const at = (plusMs: number) => new Date(Date.UTC(2026, 0, 1) + plusMs).toISOString();
  return {
    sandboxID: `odd${number}`,
    templateID: 'base',
    clientID: 'c',
    state: 'running',
    startedAt: at(0),
    endAt: at(3_600_000),
    cpuCount: 2,
    memoryMB: 512,
    metadata: {},
  };
}

const dataDir = await mkdtemp(join(tmpdir(), 'sandkeeper-bench-'));
const further = new EngineProcess(join(dataDir, 'eu'), SANDBOXES * 2);
await further.start();
const odd = new OddService();
const declared = join(dataDir, 'connections.json');
await writeFile(
  declared,
  JSON.stringify({
    connections: [
      { name: 'eu', kind: 'moru', apiUrl: further.url, key: further.apiKey },
      { name: 'odd', kind: 'moru', apiUrl: await odd.open(), key: `moru_${'0'.repeat(40)}` },
    ],
  }),
);
const sandkeeper = await Sandkeeper.open({
  maxRunning: SANDBOXES * 2,
  env: {
    SANDKEEPER_CANCEL_WINDOW_SECONDS: '0',
    SANDKEEPER_BULK_LIMIT: String(SANDBOXES * 2),
    SANDKEEPER_CONNECTIONS: declared,
    SANDKEEPER_LOCAL_ENGINE: 'on',
  },
});
const services = { local: new Moru(sandkeeper.engine), eu: new Moru(further) };

async function until(isTrue: () => boolean): Promise<void> {
  const sinceMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - sinceMs > 60_000) throw new Error('An event of a fleet has not arrived.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The time of a kill of everything in both good connections. */
async function timeKill(session: string): Promise<number> {
  const keys: SandboxKey[] = [];
  for (const name of ['local', 'eu'] as const) {
    const service = services[name];
    await service.clearFaults();
    await service.killAll();
    await service.createMany(SANDBOXES, (index) => ({ run: `run-${index}` }));
    keys.push(...(await service.listIds()).map((id) => keyOf(name, id)));
    for (const route of SLOW_ROUTES) await service.addFault({ route, latencyMs: LATENCY_MS });
  }
  const tookMs = await timedKill(sandkeeper, session, keys);
  for (const service of Object.values(services)) await service.clearFaults();
  return tookMs;
}

/** The median time from the answer to a creation until a browser has heard of the sandbox. */
async function timeNews(session: string): Promise<number> {
  const live = await openLive(sandkeeper, { origin: sandkeeper.url, ...cookieOf(sandkeeper, session) });
  for (const key of ['local', 'eu', 'odd']) live.send({ type: 'subscribe', channel: 'fleet', key });
  // A sandbox that was read before the subscription is in the snapshot, which is not sent over the socket.
  await until(() => live.frames.filter((frame) => frame.includes('"kind":"hello"')).length === 3);
  const times: number[] = [];
  for (let count = 0; count < NEW_PER_ROUND; count += 1) {
    const id = await services.eu.create();
    const startedMs = performance.now();
    await until(() => live.frames.some((frame) => frame.includes(id)));
    times.push(performance.now() - startedMs);
  }
  live.close();
  return percentile(times, 0.5);
}

try {
  const { admin } = await sandkeeper.openSessions();
  const kills = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
  const news = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
  // The first round is a warm-up. The modes take turns, so that other load affects all alike.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const mode of MODES) {
      odd.mode = mode;
      const [killMs, newsMs] = [await timeKill(admin), await timeNews(admin)];
      note(`${mode}: kill ${killMs.toFixed()} ms, news after ${newsMs.toFixed()} ms`);
      if (round === 0) continue;
      kills.get(mode)?.push(killMs);
      news.get(mode)?.push(newsMs);
    }
  }
  const median = (figures: Map<Mode, number[]>, mode: Mode) => percentile(figures.get(mode) ?? [], 0.5);
  tell('kill_fine_ms', median(kills, 'fine'), 'ms');
  tell('news_fine_ms', median(news, 'fine'), 'ms');
  for (const mode of MODES.filter((each) => each !== 'fine')) {
    tell(`kill_ratio_${mode}`, median(kills, mode) / median(kills, 'fine'), 'ratio');
    tell(`news_ratio_${mode}`, median(news, mode) / median(news, 'fine'), 'ratio');
  }
} finally {
  await sandkeeper.close();
  await further.stop();
  odd.close();
  await removeTree(dataDir);
}
