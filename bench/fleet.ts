/**
 * The fleet page with 10,000 sandboxes: time to the first rows, latency of a key in the filter, requests to the sandbox
 * service, and size of the scripts. Options: --sandboxes N, --seconds N, --verbose.
 */
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { Sandkeeper } from '../e2e/support/deployment';
import { cookieOf, openLive } from '../e2e/support/http';
import { Moru } from '../e2e/support/moru';
import { Relay } from '../e2e/support/relay';
import { cookiesOf, measureFirstRows, openBrowser } from './support/browser';
import { type Keystroke, measureKeystrokes, percentile } from './support/keystrokes';
import { report } from './support/report';

const { values: options } = parseArgs({
  options: {
    sandboxes: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '30' },
    verbose: { type: 'boolean', default: false },
  },
});
const SANDBOXES = Number(options.sandboxes);
const WATCH_MS = Number(options.seconds) * 1_000;
const KEYSTROKES = 50;
const NAVIGATIONS = 5;
const VIEWERS = 20;
/** The load at rest is measured after the pace has settled, with viewers as the page opens them. */
const REST_VIEWERS = 50;
const SETTLE_MS = 60_000;
const REST_MS = 60_000;

const tell = (figure: string, value: number, unit: string) => report('fleet', figure, value, unit);

async function openFleet(page: Page, sandkeeper: Sandkeeper, total: number): Promise<void> {
  await page.goto(`${sandkeeper.url}/sandboxes`);
  await page.locator(`[role=grid][aria-rowcount="${total + 1}"]`).waitFor({ timeout: 60_000 });
}

/** The scripts that the page loads before any interaction. */
async function measureScripts(context: BrowserContext, sandkeeper: Sandkeeper): Promise<number> {
  const page = await context.newPage();
  const sizes: Promise<number>[] = [];
  page.on('response', (answer) => {
    if (answer.request().resourceType() === 'script')
      sizes.push(answer.body().then((body) => gzipSync(body, { level: 9 }).length));
  });
  await openFleet(page, sandkeeper, SANDBOXES);
  await page.waitForLoadState('networkidle');
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  await page.close();
  return total / 1024;
}

async function countCalls(
  browser: Browser,
  sandkeeper: Sandkeeper,
  relay: Relay,
  { viewers, cookie }: { viewers: number; cookie: Parameters<BrowserContext['addCookies']>[0] },
): Promise<number> {
  const context = await browser.newContext();
  await context.addCookies(cookie);
  for (let viewer = 0; viewer < viewers; viewer += 1)
    await openFleet(await context.newPage(), sandkeeper, SANDBOXES);
  const before = relay.requests.length;
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  const calls = relay.requests.length - before;
  await context.close();
  return calls;
}

/** Requests per second at rest. A viewer is the WebSocket of a page, which is what the server sees of it. */
async function measureRest(
  sandkeeper: Sandkeeper,
  relay: Relay,
  { viewers, session }: { viewers: number; session: string },
): Promise<number> {
  const origin = { ...cookieOf(sandkeeper, session), origin: sandkeeper.url };
  const lives = await Promise.all(Array.from({ length: viewers }, () => openLive(sandkeeper, origin)));
  for (const live of lives) live.send({ type: 'subscribe', channel: 'fleet', key: 'local' });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const before = relay.requests.length;
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const perSecond = ((relay.requests.length - before) * 1_000) / REST_MS;
  for (const live of lives) live.close();
  return perSecond;
}

let relay: Relay | undefined;
const sandkeeper = await Sandkeeper.open({
  maxRunning: SANDBOXES * 2,
  upstreamVia: async (engineUrl) => {
    relay = await Relay.open(engineUrl);
    return relay.url;
  },
});
if (!relay) throw new Error('The relay was not opened.');
const browser = await openBrowser();
try {
  await new Moru(sandkeeper.engine).createMany(SANDBOXES, (index) => ({
    environment: ['development', 'development', 'staging', 'production'][index % 4] ?? '',
    owner: ['ana', 'bjorn', 'chidi', 'dilnoza', 'eva', 'farid'][index % 6] ?? '',
    team: ['agents', 'growth', 'data'][index % 3] ?? '',
    run: `run-${index}`,
    purpose: 'coding agent',
  }));
  const { admin } = await sandkeeper.openSessions();
  const cookie = cookiesOf(sandkeeper, admin);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addCookies(cookie);

  // The first visit makes the server read the list. Usually the server has read it before.
  const page = await context.newPage();
  await openFleet(page, sandkeeper, SANDBOXES);
  tell(
    'first_rows_ms',
    percentile(await measureFirstRows(context, `${sandkeeper.url}/sandboxes`, NAVIGATIONS), 0.5),
    'ms',
  );

  const plain = await measureKeystrokes(page, 'plain', KEYSTROKES);
  await openFleet(page, sandkeeper, SANDBOXES);
  const filter = await measureKeystrokes(page, 'filter', KEYSTROKES);
  if (options.verbose) for (const keystroke of filter) console.error(keystroke);
  const figures = (keystrokes: Keystroke[], of: 'worked' | 'painted') => {
    const times = keystrokes.map((keystroke) => keystroke[of]);
    return { p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
  };
  const painted = figures(filter, 'painted');
  const baseline = figures(plain, 'painted');
  const worked = figures(filter, 'worked');
  tell('keystroke_p50_ms', painted.p50, 'ms');
  tell('keystroke_p95_ms', painted.p95, 'ms');
  tell('keystroke_script_p50_ms', worked.p50, 'ms');
  tell('keystroke_script_p95_ms', worked.p95, 'ms');
  tell('plain_input_keystroke_p50_ms', baseline.p50, 'ms');
  tell('plain_input_keystroke_p95_ms', baseline.p95, 'ms');
  tell('keystroke_vs_plain_input_ratio', painted.p50 / baseline.p50, 'ratio');
  tell('keystroke_p95_vs_plain_input_p95_ratio', painted.p95 / baseline.p95, 'ratio');
  await page.close();

  tell('script_gzip_kb', await measureScripts(context, sandkeeper), 'KB');
  await context.close();
  const one = await countCalls(browser, sandkeeper, relay, { viewers: 1, cookie });
  const many = await countCalls(browser, sandkeeper, relay, { viewers: VIEWERS, cookie });
  tell('upstream_calls_1', one, 'calls');
  tell(`upstream_calls_${VIEWERS}`, many, 'calls');
  tell('upstream_calls_ratio', many / one, 'ratio');
  for (const viewers of [1, REST_VIEWERS, 0]) {
    const perSecond = await measureRest(sandkeeper, relay, { viewers, session: admin });
    tell(`rest_requests_per_s_${viewers}`, perSecond, 'requests/s');
  }
} finally {
  await browser.close();
  await sandkeeper.close();
  relay.close();
}
