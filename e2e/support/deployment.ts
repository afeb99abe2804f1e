import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Role } from '../../lib/access/roles';
import { removeTree } from '../../lib/test-support/remove-tree';
import { bundle } from '../../scripts/lib/build.mjs';
import { serverMemory, serverProgram } from '../../scripts/lib/server-process.mjs';
import { crashService, freePort, ROOT, type Service, startService, stopService } from './processes';

type EngineReady = { url: string; port: number; apiKey: string };
type ServerReady = { url: string; signInUrl: string };

type Options = {
  /** How many sandboxes may run at once. */
  maxRunning?: number;
  /** Stands between the server and the engine: given the engine's address, answers the one to use instead. */
  upstreamVia?: (engineUrl: string) => Promise<string>;
  /** Settings of the server beyond the usual ones. */
  env?: Record<string, string>;
};

/** The server as `npm start` runs it. */
const startServer = (env: Record<string, string>): Promise<Service<ServerReady>> =>
  startService(serverProgram, { ...serverMemory, ...env });

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
export class Sandkeeper {
  #server: Service<ServerReady>;
  readonly #env: Record<string, string>;
  /** `null` where engine and data are another sandkeeper's. */
  readonly #dataDir: string | null;

  private constructor(
    readonly engine: EngineProcess,
    readonly url: string,
    readonly signInUrl: string,
    server: Service<ServerReady>,
    env: Record<string, string>,
    dataDir: string | null,
  ) {
    this.#server = server;
    this.#env = env;
    this.#dataDir = dataDir;
  }

  static async open({
    maxRunning = 20_000,
    upstreamVia,
    env: settings = {},
  }: Options = {}): Promise<Sandkeeper> {
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
        // Long enough to cancel in, short enough for many tests.
        SANDKEEPER_CANCEL_WINDOW_SECONDS: '1',
        SANDKEEPER_READ_PAUSE_MS: '400',
        SANDKEEPER_PUBLISH_MS: '50',
        SANDKEEPER_WAKE_GRACE_MS: '5000',
        ...settings,
      };
      const server = await startServer(env);
      return new Sandkeeper(engine, server.ready.url, server.ready.signInUrl, server, env, dataDir);
    } catch (error) {
      await engine.stop();
      await removeTree(dataDir);
      throw error;
    }
  }

  /** Where the server itself listens, whatever stands before it. */
  get port(): number {
    return Number(this.#env.PORT);
  }

  /** The server's process. */
  get pid(): number | undefined {
    return this.#server.process.pid;
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
    return JSON.parse(await this.#runBeside('open-sessions'));
  }

  /** Gives a session, by the value of its cookie, another role while it goes on. */
  async changeRole(session: string, role: Role): Promise<void> {
    await this.#runBeside('change-role', session, role);
  }

  /** Runs a helper of ours over the same data as the server, and answers what it prints. */
  async #runBeside(helper: string, ...args: string[]): Promise<string> {
    const program = `build/e2e/${helper}.mjs`;
    await bundle(`e2e/support/${helper}.ts`, program);
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env },
    });
    return stdout;
  }

  /** Another server over the same engine, data and database, with a port of its own. Close it first. */
  async openBeside(settings: Record<string, string> = {}): Promise<Sandkeeper> {
    const env = { ...this.#env, PORT: String(await freePort()), ...settings };
    const server = await startServer(env);
    return new Sandkeeper(this.engine, server.ready.url, server.ready.signInUrl, server, env, null);
  }

  /** Ends the server as a loss of power would. The engine goes on. */
  async crash(): Promise<void> {
    await crashService(this.#server);
  }

  /** Starts the server again after `crash`, at the same address over the same data. */
  async restart(): Promise<void> {
    this.#server = await startServer(this.#env);
  }

  async close(): Promise<void> {
    await stopService(this.#server);
    if (this.#dataDir === null) return;
    await this.engine.stop();
    await removeTree(this.#dataDir);
  }
}
