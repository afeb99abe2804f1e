/**
 * A console in the browser beside the terminal of the SDK in the same sandbox: key latency, throughput of a flood of output,
 * and the memory of the server with 50 consoles. In both, the kernel echoes the input; the SDK only receives the bytes, while
 * the browser also paints them. Options: --keys N, --megabytes N, --verbose.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Sandbox } from '@moru-ai/core';
import { Sandkeeper } from '../e2e/support/deployment';
import { cookieOf, type LiveSocket, openLive } from '../e2e/support/http';
import { pageOf } from '../e2e/support/local';
import { Moru } from '../e2e/support/moru';
import { Colleague } from '../e2e/support/operations';
import { packInput } from '../lib/console/protocol';
import { packBytes } from '../lib/live/protocol';
import { BareTab } from './support/bare-tab';
import { percentile } from './support/keystrokes';
import { report } from './support/report';

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string', default: '60' },
    megabytes: { type: 'string', default: '24' },
    verbose: { type: 'boolean', default: false },
  },
});
const KEYS = Number(options.keys);
const FLOOD_BYTES = Number(options.megabytes) * 1_000_000;
const CONSOLES = 50;
const REST_MS = 60;
const FRAME_MS = 16;
const ROUNDS = 3;
/** A silent program: only the kernel echoes. */
const ECHO = 'clear; cat > /dev/null';
const FILL = "head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99";
const FLOOD = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x | fold -w 99; echo; echo flood""-over`;

const tell = (figure: string, value: number, unit: string) => report('console', figure, value, unit);
const note = (text: string) => options.verbose && console.error(text);
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

declare global {
  interface Window {
    echoes: number[];
  }
}

/** Runs in the page: measures from keydown to the paint of the frame that changes the screen. */
function observeEchoes(): void {
  window.echoes = [];
  let downAt = 0;
  window.addEventListener('keydown', ({ timeStamp }) => (downAt = timeStamp), { capture: true });
  const rows = document.querySelector('.xterm-rows');
  if (rows === null) throw new Error('There is no terminal.');
  let isWaiting = false;
  new MutationObserver((changes) => {
    // A blinking cursor is not an echo.
    if (downAt === 0 || isWaiting || changes.every(({ type }) => type === 'attributes')) return;
    isWaiting = true;
    const note = () => {
      window.echoes.push(performance.now() - downAt);
      downAt = 0;
      isWaiting = false;
    };
    // The screen is drawn in a frame callback. A task posted from there runs right after that frame.
    void window.scheduler.postTask(note, { priority: 'user-blocking' });
  }).observe(rows, { subtree: true, childList: true, characterData: true });
}

const isAtPrompt = () => /[$#]\s*$/.test(document.querySelector<HTMLElement>('.xterm-rows')?.innerText ?? '');
const isOver = () =>
  /^flood-over$/m.test(document.querySelector<HTMLElement>('.xterm-rows')?.innerText ?? '');
const isClear = () => !/flood-over/.test(document.querySelector<HTMLElement>('.xterm-rows')?.innerText ?? '');
const focusTerminal = () => document.querySelector<HTMLElement>('.xterm-helper-textarea')?.focus();

async function run(tab: BareTab, command: string): Promise<void> {
  await tab.evaluate(focusTerminal);
  await tab.type(command);
  await tab.press('Enter');
}

async function measureBrowserEcho(tab: BareTab): Promise<number[]> {
  await run(tab, ECHO);
  await rest(500);
  await tab.evaluate(observeEchoes);
  for (let key = 0; key < KEYS; key += 1) {
    await tab.press('x');
    await rest(REST_MS);
  }
  const echoes = await tab.evaluate(() => window.echoes);
  await tab.press('Control+c');
  await tab.waitFor(isAtPrompt);
  return echoes;
}

/** The time from Enter until the end of the flood is on the screen, ms. */
async function measureBrowserFlood(tab: BareTab): Promise<number> {
  await run(tab, 'clear');
  await tab.waitFor(isClear);
  await tab.waitFor(isAtPrompt);
  await tab.evaluate(focusTerminal);
  await tab.type(FLOOD);
  await rest(300);
  const startedMs = performance.now();
  await tab.press('Enter');
  await tab.waitFor(isOver);
  return performance.now() - startedMs;
}

/** The terminal of the SDK and its latest output. */
async function openSdkTerminal(sandbox: Sandbox) {
  let onBytes: (bytes: Uint8Array) => void = () => {};
  const { pid } = await sandbox.pty.create({
    cols: 120,
    rows: 40,
    timeoutMs: 0,
    onData: (bytes) => onBytes(bytes),
  });
  const type = (text: string) => sandbox.pty.sendInput(pid, new TextEncoder().encode(text));
  return { type, listen: (listener: typeof onBytes) => (onBytes = listener) };
}

type SdkTerminal = Awaited<ReturnType<typeof openSdkTerminal>>;

async function measureSdkEcho({ type, listen }: SdkTerminal): Promise<number[]> {
  await type(`${ECHO}\r`);
  await rest(500);
  const echoes: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const startedMs = performance.now();
    const heard = new Promise<void>((resolve) => listen(() => resolve()));
    await type('x');
    await heard;
    echoes.push(performance.now() - startedMs);
    await rest(REST_MS);
  }
  await type('\x03');
  await rest(300);
  return echoes;
}

async function measureSdkFlood({ type, listen }: SdkTerminal): Promise<number> {
  let tail = '';
  const over = new Promise<void>((resolve) =>
    listen((bytes) => {
      tail = (tail + Buffer.from(bytes).toString('latin1')).slice(-200);
      if (tail.includes('\nflood-over')) resolve();
    }),
  );
  const startedMs = performance.now();
  await type(`${FLOOD}\r`);
  await over;
  return performance.now() - startedMs;
}

function residentMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

/** The growth of the server with many consoles, each with more output than is kept. */
async function measureMemory(sandkeeper: Sandkeeper, moru: Moru, session: string): Promise<number> {
  const colleague = new Colleague(sandkeeper, session);
  const ids = [await moru.create({ timeoutMs: 3_000_000 }), await moru.create({ timeoutMs: 3_000_000 })];
  const live = await openLive(sandkeeper, { ...cookieOf(sandkeeper, session), origin: sandkeeper.url });
  const before = residentMb(sandkeeper.pid);
  const consoles: string[] = [];
  for (let at = 0; at < CONSOLES; at += 1)
    consoles.push(await colleague.openConsole(ids[at % ids.length] ?? ''));
  note(`${CONSOLES} that wrote nothing: ${(residentMb(sandkeeper.pid) - before).toFixed()} MB`);
  for (const key of consoles) await fill(live, key);
  await rest(3_000);
  live.close();
  return residentMb(sandkeeper.pid) - before;
}

/** Lets a console write without a viewer, so that all output goes into its history. */
async function fill(live: LiveSocket, key: string): Promise<void> {
  const place = { channel: 'console', key } as const;
  const hear = async (kind: string) => {
    while (!live.frames.some((frame) => frame.includes(key) && frame.includes(`"kind":"${kind}"`)))
      await rest(10);
  };
  live.send({ type: 'subscribe', ...place, payload: { client: 'bench-tab', offset: 0, size: null } });
  await hear('state');
  live.sendBytes(packBytes(place, packInput({ seq: 1, after: 0, bytes: Buffer.from(`${FILL}\r`) })));
  await hear('typed');
  live.send({ type: 'unsubscribe', ...place });
  live.frames.length = 0;
}

const sandkeeper = await Sandkeeper.open({
  env: {
    SANDKEEPER_CONSOLES: '100',
    SANDKEEPER_CONSOLES_PER_PERSON: '100',
    SANDKEEPER_CONSOLES_PER_SANDBOX: '100',
  },
});
const moru = new Moru(sandkeeper.engine);
let tab: BareTab | null = null;
try {
  const { admin } = await sandkeeper.openSessions();
  const id = await moru.create({ timeoutMs: 3_000_000 });
  const cookie = { name: sandkeeper.sessionCookieName, value: admin, url: sandkeeper.url };
  tab = await BareTab.open(`${sandkeeper.url}${pageOf(id)}/console`, cookie);
  await tab.waitFor(isAtPrompt);
  const sdk = await openSdkTerminal(await moru.handle(id));

  // Alternate, so that other load affects both. The first round is a warm-up.
  const echoes = { browser: [] as number[], sdk: [] as number[] };
  const floods = { browser: [] as number[], sdk: [] as number[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [ours, theirs] = [await measureBrowserEcho(tab), await measureSdkEcho(sdk)];
    const [ourFlood, theirFlood] = [await measureBrowserFlood(tab), await measureSdkFlood(sdk)];
    note(`echo p95 ${percentile(ours, 0.95).toFixed(1)} and ${percentile(theirs, 0.95).toFixed(1)} ms`);
    note(`flood ${ourFlood.toFixed()} and ${theirFlood.toFixed()} ms`);
    if (round === 0) continue;
    echoes.browser.push(...ours);
    echoes.sdk.push(...theirs);
    floods.browser.push(ourFlood);
    floods.sdk.push(theirFlood);
  }
  const speed = (times: readonly number[]) => FLOOD_BYTES / 1_000 / percentile(times, 0.5);
  const [p95, sdkP95] = [percentile(echoes.browser, 0.95), percentile(echoes.sdk, 0.95)];
  tell('echo_p50_ms', percentile(echoes.browser, 0.5), 'ms');
  tell('echo_p95_ms', p95, 'ms');
  tell('sdk_echo_p50_ms', percentile(echoes.sdk, 0.5), 'ms');
  tell('sdk_echo_p95_ms', sdkP95, 'ms');
  tell('echo_p95_ratio', Math.max(0, p95 - FRAME_MS) / sdkP95, 'ratio');
  tell('flood_mb_s', speed(floods.browser), 'MB/s');
  tell('sdk_flood_mb_s', speed(floods.sdk), 'MB/s');
  tell('flood_ratio', speed(floods.browser) / speed(floods.sdk), 'ratio');
  tell('memory_mb_50_consoles', await measureMemory(sandkeeper, moru, admin), 'MB');
} finally {
  await tab?.close();
  await sandkeeper.close();
}
