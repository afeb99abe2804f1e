import { mkdtempSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, onTestFinished, vi } from 'vitest';
import { LOCAL_NAME } from '../declared-connections';
import { startEngine } from '../engine/engine';
import type { FaultInput } from '../engine/faults';
import { openGuests } from '../engine/guest-runtime';
import { type Detail, type HttpResponse, send } from '../engine/test-engine';
import { keyOf, type SandboxKey } from '../sandbox-key';
import { removeTree } from './remove-tree';

/**
 * Sets up this process as a Sandkeeper with its own data directory and, if needed, a real engine. Call these functions
 * at the top of a test file: `config()` is read once per process, and Vitest runs each file in its own.
 */

/** Tests do not need the intervals that protect a real service. */
const FAST_TIMING = {
  SANDKEEPER_PUBLISH_MS: '50',
  SANDKEEPER_RETRY_MS: '20',
};

/** Sets an empty data directory, which gives the file its own database and secrets. */
export function setUpDataDir(): { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'sandkeeper-'));
  Object.assign(process.env, FAST_TIMING, { SANDKEEPER_DATA_DIR: path });
  afterAll(() => removeTree(path));
  return { path };
}

export type ServiceEngine = {
  url: string;
  apiKey: string;
  /** Sends one request to the engine directly. */
  call: (method: string, path: string, body?: unknown) => Promise<HttpResponse>;
  create: (body?: Record<string, unknown>) => Promise<string>;
  detail: (id: string) => Promise<Detail>;
  /** Host path of a path inside a sandbox. Valid once its files have been used. */
  inside: (id: string, path: string) => string;
  /** Injects a fault until the end of the test. */
  fault: (fault: FaultInput) => Promise<void>;
  clearFaults: () => Promise<void>;
};

type EngineOptions = { maxRunning?: number; clearFaultsAfterEach?: boolean; withFiles?: boolean };

/**
 * Starts an engine for this file and sets it as the service. Its sandboxes stay between tests, its faults do not.
 * `withFiles` gives the sandboxes files and processes.
 */
export function setUpEngine(options: EngineOptions = {}): ServiceEngine {
  const engine = setUpAnotherEngine('engine', setUpDataDir().path, options);
  beforeAll(() => {
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
  });
  return engine;
}

/** Starts an engine for this file, with its data in the folder `name` of `path`. It is no connection yet. */
export function setUpAnotherEngine(
  name: string,
  path: string,
  { maxRunning = 1_000, clearFaultsAfterEach = true, withFiles = false }: EngineOptions = {},
): ServiceEngine {
  let running: Awaited<ReturnType<typeof startEngine>> | undefined;
  const engine = () => {
    if (!running) throw new Error('The engine is not running before the first test.');
    return running;
  };
  beforeAll(async () => {
    running = await startEngine({
      host: '127.0.0.1',
      port: 0,
      dataDir: join(path, name),
      maxRunning,
      maxLengthHours: 1,
      allowFaults: true,
      warn: () => {},
      ...(withFiles ? { openGuests } : {}),
    });
  });
  if (clearFaultsAfterEach) afterEach(() => clearFaults());
  afterAll(() => running?.close());

  const call: ServiceEngine['call'] = (method, path, body) =>
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
    inside: (id, inner) => join(path, name, 'guests', id, 'root', inner),
    async create(body = {}) {
      const response = await call('POST', '/sandboxes', { templateID: 'base', timeout: 300, ...body });
      if (response.status !== 201) throw new Error(`create failed: ${response.status} ${response.text}`);
      return (response.json as Detail).sandboxID;
    },
    async detail(id) {
      const { status, json } = await call('GET', `/sandboxes/${id}`);
      return { ...(json as Detail), status };
    },
    async fault(fault) {
      const { status, text } = await call('POST', '/engine/faults', fault);
      if (status !== 201) throw new Error(`The engine rejected the fault: ${status} ${text}`);
    },
  };
}

/** The key of a sandbox of the local engine, which tests use unless they say otherwise. */
export const localKey = (id: string): SandboxKey => keyOf(LOCAL_NAME, id);

/** Drops the process-wide singletons, like a restart with the same data directory. */
export function restartProcess(): void {
  for (const key of sharedKeys()) Reflect.deleteProperty(globalThis, key);
}

/**
 * Simulates a new process with `environment` until the end of the test: modules imported from now on are evaluated
 * again and find no singletons. Modules imported earlier keep theirs.
 */
export function simulateNewProcess(environment: Record<string, string>): void {
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

/** Starts an HTTP server for this test and returns its address. */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Polls until `isTrue`. Throws after `withinMs`. */
export async function eventually(isTrue: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadlineMs) throw new Error(`Not true within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Returns what `work` throws, and throws if it does not. */
export async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('Nothing was thrown.');
}
