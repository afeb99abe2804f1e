import { mkdtempSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, onTestFinished, vi } from 'vitest';
import { startEngine } from '../engine/engine';
import type { FaultInput } from '../engine/faults';
import { openGuests } from '../engine/guest-runtime';
import { type Answer, type Detail, send } from '../engine/test-engine';
import { removeTree } from './remove-tree';

/**
 * What tests outside the engine share: this process as a Sandkeeper with a data directory of its own and, where it is
 * needed, a real engine on a free port. `config()` is read once a process and Vitest runs each test file in its own, so
 * call these at the top of a file.
 */

/** Gives this file an empty data directory, and with it a database and secrets. */
export function giveDataDir(): { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'sandkeeper-'));
  process.env.SANDKEEPER_DATA_DIR = path;
  afterAll(() => removeTree(path));
  return { path };
}

export type UpstreamEngine = {
  url: string;
  apiKey: string;
  /** One request to the engine, past the gateway. */
  call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  create: (body?: Record<string, unknown>) => Promise<string>;
  detail: (id: string) => Promise<Detail>;
  /** Path on the host of a path inside, once the sandbox's files have been asked for. */
  inside: (id: string, path: string) => string;
  /** Switches a fault on until the end of the test. */
  fault: (fault: FaultInput) => Promise<void>;
  clearFaults: () => Promise<void>;
};

/**
 * Starts an engine for this file and makes it the upstream. Its sandboxes stay from test to test, its faults do not.
 * `withFiles`: they have files, too.
 */
export function giveEngine({
  maxRunning = 1_000,
  clearFaultsAfterEach = true,
  withFiles = false,
} = {}): UpstreamEngine {
  const { path } = giveDataDir();
  let running: Awaited<ReturnType<typeof startEngine>> | undefined;
  const engine = () => {
    if (!running) throw new Error('The engine is started before the first test, not earlier.');
    return running;
  };
  beforeAll(async () => {
    running = await startEngine({
      host: '127.0.0.1',
      port: 0,
      dataDir: join(path, 'engine'),
      maxRunning,
      maxLengthHours: 1,
      warn: () => {},
      ...(withFiles ? { openGuests } : {}),
    });
    process.env.SANDKEEPER_ENGINE_URL = running.url;
    process.env.SANDKEEPER_ENGINE_KEY = running.apiKey;
  });
  if (clearFaultsAfterEach) afterEach(() => clearFaults());
  afterAll(() => running?.close());

  const call: UpstreamEngine['call'] = (method, path, body) =>
    send(engine().port, method, path, body, { 'x-api-key': engine().apiKey });
  const clearFaults = async () => void (await call('DELETE', '/engine/faults'));
  return {
    get url() {
      return engine().url;
    },
    get apiKey() {
      return engine().apiKey;
    },
    call,
    clearFaults,
    inside: (id, inner) => join(path, 'engine', 'guests', id, 'root', inner),
    async create(body = {}) {
      const answer = await call('POST', '/sandboxes', { templateID: 'base', timeout: 300, ...body });
      if (answer.status !== 201) throw new Error(`create answered ${answer.status} ${answer.text}`);
      return (answer.json as Detail).sandboxID;
    },
    async detail(id) {
      const { status, json } = await call('GET', `/sandboxes/${id}`);
      return { ...(json as Detail), status };
    },
    async fault(fault) {
      const { status, text } = await call('POST', '/engine/faults', fault);
      if (status !== 201) throw new Error(`The fault was not taken: ${status} ${text}`);
    },
  };
}

/** Forgets what lives once a process, as its end would: what was written to the data directory stays. */
export function restartProcess(): void {
  for (const key of sharedKeys()) Reflect.deleteProperty(globalThis, key);
}

/**
 * As a new process with `environment`: until the end of the test, modules that are imported now are read anew and find
 * nothing that lives once a process. Those imported before are as they were, then and afterwards.
 */
export function startAnew(environment: Record<string, string>): void {
  const before = sharedKeys().map((key): [symbol, unknown] => [key, Reflect.get(globalThis, key)]);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  restartProcess();
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
    restartProcess();
    for (const [key, value] of before) Reflect.set(globalThis, key, value);
  });
}

function sharedKeys(): symbol[] {
  return Object.getOwnPropertySymbols(globalThis).filter((key) => key.description?.startsWith('sandkeeper.'));
}

/** Starts an HTTP server for this test and answers its address. */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Lets waiting callbacks run until `isSo`, at most `withinMs`; throws when time is up. */
export async function eventually(isSo: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`Not so within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The thing thrown by `work`, for a look at more than its message. */
export async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('Nothing was thrown.');
}
