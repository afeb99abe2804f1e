import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Role } from '../../lib/access/roles';
import { bundle } from '../../scripts/lib/build.mjs';
import { freePort, ROOT, type Service, startService, stopService } from './processes';

type EngineReady = { url: string; port: number; apiKey: string };
type ServerReady = { url: string; signInUrl: string };

type Options = {
  /** How many sandboxes may run at once. */
  maxRunning?: number;
  /** Stands between the server and the engine: given the engine's address, answers the one to use instead. */
  upstreamVia?: (engineUrl: string) => Promise<string>;
};

const SESSION_HELPER = 'build/e2e/open-sessions.mjs';

/** A local engine that can be stopped and started again: same port, same key, same sandboxes. */
export class EngineProcess {
  readonly #dataDir: string;
  readonly #maxRunning: number;
  #service: Service<EngineReady> | null = null;
  #address: EngineReady | null = null;

  constructor(dataDir: string, maxRunning: number) {
    this.#dataDir = dataDir;
    this.#maxRunning = maxRunning;
  }

  get url(): string {
    return this.#started().url;
  }

  get apiKey(): string {
    return this.#started().apiKey;
  }

  get pid(): number | undefined {
    return this.#service?.process.pid;
  }

  /** Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#service) return;
    const port = String(this.#address?.port ?? 0);
    this.#service = await startService<EngineReady>([
      'build/engine.mjs',
      ...['--port', port, '--data-dir', this.#dataDir, '--max-running', String(this.#maxRunning)],
    ]);
    this.#address = this.#service.ready;
  }

  async stop(): Promise<void> {
    if (this.#service) await stopService(this.#service);
    this.#service = null;
  }

  #started(): EngineReady {
    if (!this.#address) throw new Error('The engine has not been started.');
    return this.#address;
  }
}

/** Sandkeeper as `npm start` runs it: an engine and a server, each a process of its own, over a data directory. */
export class House {
  private constructor(
    readonly engine: EngineProcess,
    readonly url: string,
    readonly signInUrl: string,
    private readonly server: Service<ServerReady>,
    private readonly dataDir: string,
    private readonly env: Record<string, string>,
  ) {}

  static async open({ maxRunning = 20_000, upstreamVia }: Options = {}): Promise<House> {
    const dataDir = await mkdtemp(join(tmpdir(), 'sandkeeper-e2e-'));
    const engine = new EngineProcess(join(dataDir, 'engine'), maxRunning);
    try {
      await engine.start();
      const env = {
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        PORT: String(await freePort()),
        SANDKEEPER_DATA_DIR: dataDir,
        SANDKEEPER_ENGINE_URL: upstreamVia ? await upstreamVia(engine.url) : engine.url,
        SANDKEEPER_ENGINE_KEY: engine.apiKey,
      };
      const server = await startService<ServerReady>(['server.mjs'], env);
      return new House(engine, server.ready.url, server.ready.signInUrl, server, dataDir, env);
    } catch (error) {
      await engine.stop();
      await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The token in the sign-in link. */
  get signInToken(): string {
    return new URL(this.signInUrl).searchParams.get('token') ?? '';
  }

  get sessionCookieName(): string {
    return `sandkeeper_session_${this.port}`;
  }

  /** Opens a session for each role, as signing in does for one, and answers the values of their cookies. */
  async openSessions(): Promise<Record<Role, string>> {
    await bundle('e2e/support/open-sessions.ts', SESSION_HELPER);
    const { stdout } = await promisify(execFile)(process.execPath, [SESSION_HELPER], {
      cwd: ROOT,
      env: { ...process.env, ...this.env },
    });
    return JSON.parse(stdout);
  }

  async close(): Promise<void> {
    await stopService(this.server);
    await this.engine.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
