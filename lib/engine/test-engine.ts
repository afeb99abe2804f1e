import { mkdtempSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { removeTree } from '../test-support/remove-tree';
import { type Engine, type EngineOptions, startEngine } from './engine';
import type { DataPlane, GuestContext, GuestRuntime, Guests, Usage } from './guests';
import { openIdleGuests } from './idle-guests';

/** What the tests of the engine share: a real engine on a free port in a directory of its own, and plain HTTP. */

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string; json: unknown };
type CallOptions = { body?: unknown; headers?: Record<string, string>; key?: string | null };

export type TestEngine = Engine & {
  /** With the right key unless told otherwise (null: none). A text body goes out as it is. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Creates a sandbox and returns its id. */
  create(body?: Record<string, unknown>): Promise<string>;
  /** `GET /sandboxes/{id}`. */
  detail(id: string): Promise<Detail>;
  warnings: string[];
};

/** The fields of a sandbox that tests look at; absent ones are undefined at run time. */
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

/** A directory that is gone after the test. */
export function makeTempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-engine-'));
  onTestFinished(() => removeTree(dir));
  return dir;
}

/** Starts an engine that ends with the test. */
export async function startTestEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const warnings: string[] = [];
  const engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    dataDir: options.dataDir ?? makeTempDir(),
    maxRunning: 20,
    maxLengthHours: 1,
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
      const answer = await call('POST', '/sandboxes', {
        body: { templateID: 'base', timeout: 300, ...body },
      });
      if (answer.status !== 201) throw new Error(`create answered ${answer.status} ${answer.text}`);
      return (answer.json as Detail).sandboxID;
    },
    async detail(id) {
      const { status, json } = await call('GET', `/sandboxes/${id}`);
      return { ...(json as Detail), status };
    },
  };
}

/** One request over a connection of its own. */
export function send(
  port: number,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: jsonOf(text) });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    if (body === undefined) outgoing.end();
    else outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Asks again until `isDone`, at most `withinMs`. Returns the last answer; throws when time is up. */
export async function until<T>(
  ask: () => Promise<T>,
  isDone: (answer: T) => boolean,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type GuestCall = 'create' | 'pause' | 'resume' | 'revert' | 'destroy';

/** Guests whose every call can be held back or made to fail, to look at what happens meanwhile. */
export class FakeGuests implements Guests {
  readonly processes = { available: true };
  /** In the order they came, such as `pause i…`. */
  readonly calls: string[] = [];
  use: Usage | null = null;
  context: GuestContext | undefined;
  readonly #gates = new Map<GuestCall, Promise<void>>();
  readonly #failures = new Map<GuestCall, string>();

  /** Holds back calls of this kind until the returned function is called. */
  hold(call: GuestCall): () => void {
    let open = () => {};
    this.#gates.set(call, new Promise((resolve) => (open = resolve)));
    return () => {
      this.#gates.delete(call);
      open();
    };
  }

  /** The next call of this kind fails. */
  failNext(call: GuestCall, message: string): void {
    this.#failures.set(call, message);
  }

  /** What to start an engine with. */
  open = (context: GuestContext): GuestRuntime => {
    this.context = context;
    const dataPlane: DataPlane = openIdleGuests(context).dataPlane;
    return { guests: this, dataPlane };
  };

  async recover(known: readonly { id: string }[]): Promise<void> {
    this.calls.push(`recover ${known.length}`);
  }
  create = ({ id }: { id: string }) => this.#take('create', id);
  pause = (id: string) => this.#take('pause', id);
  resume = ({ id }: { id: string }) => this.#take('resume', id);
  revert = (id: string) => this.#take('revert', id);
  destroy = (id: string) => this.#take('destroy', id);
  usage = () => this.use;
  async close(): Promise<void> {}

  async #take(call: GuestCall, id: string): Promise<void> {
    this.calls.push(`${call} ${id}`);
    await this.#gates.get(call);
    const failure = this.#failures.get(call);
    this.#failures.delete(call);
    if (failure !== undefined) throw new Error(failure);
  }
}
