import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Sandbox, type SandboxOpts } from '@moru-ai/core';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import { removeTree } from '../../test-support/remove-tree';
import { type Engine, startEngine } from '../engine';
import { type GuestRuntimeOptions, openGuests } from '../guest-runtime';
import { type ProcessStat, readProcess, treeOf } from './process-tree';
import { findSupport } from './support';

/** Test support: an engine with real processes, the SDK connected to it, and raw RPC. */

const here = dirname(fileURLToPath(import.meta.url));

/** Bundles the agent. Its directory is inaccessible to other users, which also tests the stage. */
async function bundleAgent(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sandkeeper-agent-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const outfile = join(directory, 'agent.mjs');
  await build({
    entryPoints: [join(here, 'agent.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}

const agent = await bundleAgent();
const support = await findSupport(tmpdir(), agent, null);
if (!support.available) {
  console.log(`Skipping tests of processes. ${support.reason}`);
  // Hooks do not run in a file whose tests are all skipped.
  rmSync(dirname(agent), { recursive: true, force: true });
}

export const canRun = support.available;

export type ProcessEngine = Engine & {
  /** SDK options for this engine. */
  readonly connection: SandboxOpts;
  create(options?: SandboxOpts): Promise<Sandbox>;
  /** The SDK's handle of a sandbox that something else has created. */
  connect(id: string): Promise<Sandbox>;
  /** A sandbox's first process on the host; null if nothing runs. */
  init(id: string): ProcessStat | null;
  processes(id: string): ProcessStat[];
  guestDir(id: string): string;
  logs(id: string): Promise<{ eventType: string; message: string; fields: Record<string, string> }[]>;
  api(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }>;
};

/** Cleanup for one `afterAll`, because engines start in hooks, which cannot register hooks. */
const closings: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(closings.splice(0).map((close) => close()));
});

/** Starts an engine that closes after the test file. */
export async function startProcessEngine(
  options: GuestRuntimeOptions & { dataDir?: string } = {},
): Promise<ProcessEngine> {
  const { dataDir = mkdtempSync(join(tmpdir(), 'sandkeeper-guests-')), ...rest } = options;
  const engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    maxRunning: 100,
    maxLengthHours: 1,
    allowFaults: true,
    warn: () => {},
    openGuests: (context) => openGuests(context, { agent, ...rest }),
  });
  closings.push(async () => {
    await engine.close();
    await removeTree(dataDir);
  });
  return processEngineOf(engine);
}

export function processEngineOf(engine: Engine): ProcessEngine {
  const connection = connectionOf(engine);
  const guestDir = (id: string) => join(engine.dataDir, 'guests', id);
  const init = (id: string) => {
    try {
      const { initPid } = JSON.parse(readFileSync(join(guestDir(id), 'processes.json'), 'utf8'));
      return readProcess(Number(initPid));
    } catch {
      return null;
    }
  };
  const api: ProcessEngine['api'] = async (method, path, body) => {
    const response = await fetch(`${engine.url}${path}`, {
      method,
      headers: { 'x-api-key': engine.apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : undefined };
  };
  return {
    ...engine,
    connection,
    guestDir,
    init,
    api,
    create: (more = {}) => Sandbox.create({ ...connection, ...more }),
    connect: (id) => Sandbox.connect(id, connection),
    processes: (id) => {
      const first = init(id);
      return first ? treeOf(first.pid) : [];
    },
    logs: async (id) => {
      const { json } = await api('GET', `/sandboxes/${id}/logs?limit=100&direction=backward`);
      return (json as { logEntries: Awaited<ReturnType<ProcessEngine['logs']>> }).logEntries;
    },
  };
}

/** The types of static calls lack the address options (docs/protocol.md#untyped-options). */
function connectionOf({ apiKey, url }: Engine): SandboxOpts {
  return { apiKey, apiUrl: url, sandboxUrl: url } as SandboxOpts;
}

export async function callRpc(engine: ProcessEngine, id: string, method: string, message: unknown) {
  const response = await fetch(`${engine.url}/process.Process/${method}`, {
    method: 'POST',
    headers: { ...addressOf(id), 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

export type RpcStream = {
  /** The messages in order. The last one is `{end}`. */
  readonly messages: AsyncIterableIterator<Record<string, unknown>>;
  abort(): void;
};

/** Opens a streaming RPC and sends `parts`. Reads the response only as fast as `messages` is consumed. */
export function openRpc(
  engine: ProcessEngine,
  id: string,
  method: string,
  parts: unknown[],
  headers: Record<string, string> = {},
): RpcStream {
  const outgoing = request(`${engine.url}/process.Process/${method}`, {
    method: 'POST',
    agent: false,
    headers: { ...addressOf(id), 'content-type': 'application/connect+json', ...headers },
  });
  const response = new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  for (const part of parts) outgoing.write(envelope(part));
  outgoing.end();
  return { messages: readEnvelopes(response), abort: () => outgoing.destroy() };
}

export async function collectRpc(stream: RpcStream): Promise<Record<string, unknown>[]> {
  const all = [];
  for await (const message of stream.messages) all.push(message);
  return all;
}

/** Polls until the condition holds. @throws after `withinMs` */
export async function until(isTrue: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`condition not met within ${withinMs} ms: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function addressOf(id: string): Record<string, string> {
  return { 'moru-sandbox-id': id, 'moru-sandbox-port': '49983', 'connect-protocol-version': '1' };
}

function envelope(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

async function* readEnvelopes(
  response: Promise<AsyncIterable<Buffer>>,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of await response) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const size = 5 + rest.readUInt32BE(1);
      const message = JSON.parse(rest.subarray(5, size).toString('utf8')) as Record<string, unknown>;
      yield rest.readUInt8(0) === 2 ? { end: message } : message;
      rest = rest.subarray(size);
    }
  }
}

/** Whether `root` is a user of its own in a running sandbox. */
export function hasOwnRoot(engine: ProcessEngine, id: string): boolean {
  return (
    readFileSync(`/proc/${engine.init(id)?.pid}/uid_map`, 'utf8')
      .trim()
      .split('\n').length > 1
  );
}
