import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { SandkeeperError } from '../errors';
import { setUpDataDir } from '../test-support/environment';
import { sendHostileAnswer } from '../test-support/hostile-answers';
import { sandboxApi } from './configured';
import { CommandOutput } from './envd-command';

/** Answers from a service and a sandbox that want to end this process, to fill its memory, or to hold its calls. */

const ANSWERS = process.env.TEST_LONG ? 10_000 : 1_000;
const CALL_MS = 150;
/** Longer than the longest deadline, also on a busy machine: a pause has eight times that of a short call. */
const SURE_MS = 20 * CALL_MS + 90_000;
const MAX_GROWTH_BYTES = 600 * 1024 * 1024;

setUpDataDir();
process.env.SANDKEEPER_CALL_MS = String(CALL_MS);

let next = 0;
/** Whether the detail of a sandbox is answered well, so that a call reaches its envd. */
const isDetailGood = true;
const DETAIL = JSON.stringify({ sandboxID: 'igood', state: 'running', envdAccessToken: 'token' });
const sockets = new Set<Socket>();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    const line = data.toString('latin1').split('\r\n', 1)[0] ?? '';
    if (!/^[A-Z]+ \//.test(line)) return;
    if (isDetailGood && line.startsWith('GET /sandboxes/igood '))
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${DETAIL.length}\r\n\r\n${DETAIL}`);
    else sendHostileAnswer(socket, next++);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.SANDKEEPER_ENGINE_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.SANDKEEPER_ENGINE_KEY = `moru_${'0'.repeat(40)}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const signal = () => AbortSignal.timeout(5 * CALL_MS);
const shell = {
  cmd: 'sh',
  args: [],
  user: null,
  cwd: null,
  envs: {},
  size: { cols: 80, rows: 24 },
  tag: 't',
};
async function* upload() {
  yield Buffer.from('hello');
}

/** Every call of the gateway. Those without a deadline of their own get one from their caller, as in the product. */
const CALLS: readonly (() => Promise<unknown>)[] = [
  () => sandboxApi('local').listSandboxes(null),
  () => sandboxApi('local').getSandbox('local/i0'),
  () => sandboxApi('local').killSandbox('local/i0'),
  () => sandboxApi('local').pauseSandbox('local/i0'),
  () => sandboxApi('local').resumeSandbox('local/i0', { timeoutMs: 1_000 }),
  () => sandboxApi('local').setSandboxTimeout('local/i0', 1_000),
  () =>
    sandboxApi('local').createSandbox({ template: 'base', metadata: {}, timeoutMs: 1_000, autoPause: false }),
  () => sandboxApi('local').listTemplates(),
  () => sandboxApi('local').listSandboxRuns(null),
  () => sandboxApi('local').maxRunning(),
  () => sandboxApi('local').readLogs('local/i0', { direction: 'backward' }),
  () => sandboxApi('local').readMetrics('local/i0'),
  () => sandboxApi('local').readLatestMetrics(['local/i0']),
  () => sandboxApi('local').readEvents('local/i0'),
  () => sandboxApi('local').probe(),
  () => sandboxApi('local').openEnvd('local/i0'),
  async () => (await sandboxApi('local').openEnvd('local/igood')).listProcesses(new AbortController().signal),
  async () =>
    (await sandboxApi('local').openEnvd('local/igood')).signalProcess(
      1,
      'SIGTERM',
      new AbortController().signal,
    ),
  async () =>
    drain(
      (await sandboxApi('local').openEnvd('local/igood')).run(
        { cmd: 'x', args: [] },
        50,
        new AbortController().signal,
      ),
    ),
  async () =>
    drain(
      new CommandOutput(
        await sandboxApi('local').openEnvd('local/igood'),
        { cmd: 'x', args: [] },
        50,
        signal(),
      ).read(),
    ),
  async () => drain((await sandboxApi('local').openEnvd('local/igood')).followProcess(1, signal())),
  async () => drain((await sandboxApi('local').openEnvd('local/igood')).openTerminal(shell, signal())),
  async () =>
    (await sandboxApi('local').openEnvd('local/igood')).typeInto(
      1,
      Buffer.from('x'),
      new AbortController().signal,
    ),
  async () => (await sandboxApi('local').openEnvd('local/igood')).listDir('/', new AbortController().signal),
  async () => (await sandboxApi('local').openEnvd('local/igood')).stat('/a', new AbortController().signal),
  async () => (await sandboxApi('local').openEnvd('local/igood')).readGenerated('/proc/a', signal()),
  async () => {
    const content = await (await sandboxApi('local').openEnvd('local/igood')).readFile('/a', {
      signal: signal(),
    });
    // A body fails with the error of its connection.
    if (content.kind === 'bytes') await drain(content.body).catch(() => {});
  },
  async () => {
    const range = { start: 0, end: 9 };
    const content = await (await sandboxApi('local').openEnvd('local/igood')).readFile('/a', {
      range,
      signal: signal(),
    });
    if (content.kind !== 'bytes') return;
    expect(content.range === null || content.range.end <= 9).toBe(true);
    content.body.destroy();
  },
  async () =>
    (await sandboxApi('local').openEnvd('local/igood')).writeFile(
      '/a',
      upload(),
      new AbortController().signal,
    ),
  async () =>
    (await sandboxApi('local').openEnvd('local/igood')).move('/a', '/b', new AbortController().signal),
  async () => (await sandboxApi('local').openEnvd('local/igood')).remove('/a', new AbortController().signal),
  async () => drain((await sandboxApi('local').openEnvd('local/igood')).watchDir('/a', signal())),
];

it('end no process, hold no call beyond its deadline and fill no memory', { timeout: 900_000 }, async () => {
  for (const name of ['error', 'warn'] as const) vi.spyOn(console, name).mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
  const unexpected: unknown[] = [];
  const note = (error: unknown) => void unexpected.push(error);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, note);
    onTestFinished(() => void process.off(event, note));
  }
  const firstBytes = process.memoryUsage().rss;
  let maxBytes = firstBytes;
  const outcomes = new Map<string, number>();
  const problems: string[] = [];
  let made = 0;
  const worker = async () => {
    while (made < ANSWERS) {
      const index = made++;
      const call = CALLS[index % CALLS.length] ?? (() => Promise.resolve());
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve('never ended'), SURE_MS);
      });
      const done = call().then(
        () => 'answered',
        (error: unknown) => (error instanceof SandkeeperError ? error.code : `${error}`),
      );
      const outcome = await Promise.race([done, late]);
      clearTimeout(timer);
      maxBytes = Math.max(maxBytes, process.memoryUsage().rss);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (!KNOWN.has(outcome)) problems.push(`call ${index % CALLS.length}: ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: 24 }, worker));
  expect(unexpected).toEqual([]);
  expect(problems).toEqual([]);
  expect(maxBytes - firstBytes).toBeLessThan(MAX_GROWTH_BYTES);
  // The answers reached the parsers. Which are answered in time depends on the load of the machine.
  const parsed = [...outcomes].filter(([outcome]) => outcome !== 'timeout');
  expect(parsed.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(ANSWERS / 10);
  expect(outcomes.get('unexpected')).toBeGreaterThan(0);
});

const KNOWN: ReadonlySet<string> = new Set([
  'answered',
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_offered',
  'conflict',
  'rate_limited',
  'quota',
  'timeout',
  'unavailable',
  'invalid',
  'unexpected',
]);
