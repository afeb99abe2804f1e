import { mkdirSync, mkdtempSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { removeTree } from '../test-support/remove-tree';
import { type Engine, type EngineOptions, startEngine } from './engine';
import type { DataPlane, GuestContext, GuestRuntime, Guests, Usage } from './guests';
import { openIdleGuests } from './idle-guests';

/** Starts an engine on a free port in its own directory, and sends plain HTTP to it. */

export type HttpResponse = { status: number; headers: IncomingHttpHeaders; text: string; json: unknown };
type CallOptions = { body?: unknown; headers?: Record<string, string>; key?: string | null };

export type TestEngine = Engine & {
  /** `key` defaults to the right API key; null sends none. A string body is sent unchanged. */
  call(method: string, path: string, options?: CallOptions): Promise<HttpResponse>;
  create(body?: Record<string, unknown>): Promise<string>;
  detail(id: string): Promise<Detail>;
  warnings: string[];
};

export type Detail = {
  status: number;
  sandboxID: string;
  templateID: string;
  alias?: string;
  state: string;
  startedAt: string;
  endAt: string;
  envdAccessToken: string;
  domain: string | null;
  metadata: Record<string, string>;
};

/** Makes a directory and removes it after the test. */
export function makeTempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-engine-'));
  onTestFinished(() => removeTree(dir));
  return dir;
}

/** Starts an engine and stops it after the test. */
export async function startTestEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const warnings: string[] = [];
  const engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    dataDir: options.dataDir ?? makeTempDir(),
    maxRunning: 20,
    maxLengthHours: 1,
    allowFaults: true,
    warn: (message) => void warnings.push(message),
    ...options,
  });
  onTestFinished(() => engine.close());
  const call: TestEngine['call'] = (method, path, { body, headers = {}, key = engine.apiKey } = {}) =>
    send(engine.port, method, path, body, { ...(key === null ? {} : { 'x-api-key': key }), ...headers });
  return {
    ...engine,
    call,
    warnings,
    async create(body = {}) {
      const response = await call('POST', '/sandboxes', {
        body: { templateID: 'base', timeout: 300, ...body },
      });
      if (response.status !== 201) throw new Error(`create failed: ${response.status} ${response.text}`);
      return (response.json as Detail).sandboxID;
    },
    async detail(id) {
      const { status, json } = await call('GET', `/sandboxes/${id}`);
      return { ...(json as Detail), status };
    },
  };
}

export function send(
  port: number,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<HttpResponse> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  // Node sends no length with the body of a DELETE.
  const length =
    text === undefined || method !== 'DELETE' ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...length, ...headers },
      agent: false,
    };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Calls `read` until `isDone`, and returns its last result. Throws after `withinMs`. */
export async function until<T>(
  read: () => Promise<T>,
  isDone: (result: T) => boolean,
  withinMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const result = await read();
    if (isDone(result)) return result;
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms; last: ${JSON.stringify(result)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type GuestCall = 'create' | 'pause' | 'resume' | 'revert' | 'destroy' | 'saveFiles';

/** Guests whose calls tests can delay or fail. */
export class FakeGuests implements Guests {
  readonly processes = { available: true };
  hasNetwork = false;
  /** In order, such as `pause i…`. */
  readonly calls: string[] = [];
  readonly pausedWithoutMemory: string[] = [];
  currentUsage: Usage | null = null;
  context: GuestContext | undefined;
  readonly #gates = new Map<GuestCall, Promise<void>>();
  readonly #failures = new Map<GuestCall, string>();

  /** Delays calls of this kind until the returned function is called. */
  hold(call: GuestCall): () => void {
    let open = () => {};
    this.#gates.set(call, new Promise((resolve) => (open = resolve)));
    return () => {
      this.#gates.delete(call);
      open();
    };
  }

  /** Makes the next call of this kind fail. */
  failNext(call: GuestCall, message: string): void {
    this.#failures.set(call, message);
  }

  /** Pass it to the engine as `openGuests`. */
  open = (context: GuestContext): GuestRuntime => {
    this.context = context;
    const dataPlane: DataPlane = openIdleGuests(context).dataPlane;
    return { guests: this, dataPlane };
  };

  async recover(known: readonly { id: string }[]): Promise<void> {
    this.calls.push(`recover ${known.length}`);
  }
  create = ({ id }: { id: string }) => this.#record('create', id);
  pause = (id: string, keepsMemory: boolean) => {
    if (!keepsMemory) this.pausedWithoutMemory.push(id);
    return this.#record('pause', id);
  };
  resume = ({ id }: { id: string }) => this.#record('resume', id);
  revert = (id: string) => this.#record('revert', id);
  destroy = (id: string) => this.#record('destroy', id);
  saveFiles = async ({ id }: { id: string }, target: string, signal: AbortSignal) => {
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('aborted'))),
    );
    await Promise.race([this.#record('saveFiles', id), aborted]);
    mkdirSync(target);
  };
  isInUse = (_id: string): boolean => false;
  isUnused = (_id: string): boolean => false;
  usage = () => this.currentUsage;
  async close(): Promise<void> {}

  async #record(call: GuestCall, id: string): Promise<void> {
    this.calls.push(`${call} ${id}`);
    await this.#gates.get(call);
    const failure = this.#failures.get(call);
    this.#failures.delete(call);
    if (failure !== undefined) throw new Error(failure);
  }
}
