import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Role } from '../../lib/roles';
import { removeTree } from '../../lib/test-support/remove-tree';
import { bundle } from '../../scripts/lib/build.mjs';
import { serverMemory, serverProgram } from '../../scripts/lib/server-process.mjs';
import { crashService, freePort, ROOT, type Service, startService, stopService } from './processes';

type EngineReady = { url: string; port: number; apiKey: string };
type ServerReady = { url: string; signInUrl: string };

type Options = {
  /** The limit of running sandboxes. */
  maxRunning?: number;
  /** Returns the address that the server uses instead of the engine's, such as a relay's. */
  upstreamVia?: (engineUrl: string) => Promise<string>;
  /** Additional settings of the server. */
  env?: Record<string, string>;
};

/** The server as `npm start` runs it. */
const startServer = (env: Record<string, string>): Promise<Service<ServerReady>> =>
  startService(serverProgram, { ...serverMemory, ...env });

/** A local engine that keeps its port, key and sandboxes when it is restarted. */
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

  /** Does nothing if the engine is running. */
  async start(): Promise<void> {
    if (this.#service) return;
    const port = String(this.#address?.port ?? 0);
    this.#service = await startService<EngineReady>([
      'build/engine.mjs',
      ...['--port', port, '--data-dir', this.#dataDir, '--max-running', String(this.#maxRunning), '--faults'],
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

/** Sandkeeper as `npm start` runs it: an engine and a server in separate processes with one data directory. */
export class Sandkeeper {
  #server: Service<ServerReady>;
  readonly #env: Record<string, string>;
  /** `null` if the engine and the data belong to another instance. */
  readonly #dataDir: string | null;

  private constructor(
    readonly engine: EngineProcess,
    readonly url: string,
    /** The link that the start printed. It works once. */
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
        // Long enough for a test to cancel, short enough for many tests.
        SANDKEEPER_CANCEL_WINDOW_SECONDS: '1',
        SANDKEEPER_READ_PAUSE_MS: '400',
        SANDKEEPER_PUBLISH_MS: '50',
        SANDKEEPER_WAKE_GRACE_MS: '5000',
        SANDKEEPER_SIGN_IN_TOKEN: randomBytes(24).toString('base64url'),
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

  /** The port of the server itself, not of a proxy in front of it. */
  get port(): number {
    return Number(this.#env.PORT);
  }

  get pid(): number | undefined {
    return this.#server.process.pid;
  }

  /** The end of the server's output. */
  log(): string {
    return this.#server.log();
  }

  /** The fixed token, for tests that sign in often. */
  get signInToken(): string {
    return this.#env.SANDKEEPER_SIGN_IN_TOKEN ?? '';
  }

  /** Prints another sign-in link, as `npm run sign-in-link` does. */
  async printSignInLink(): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, ['build/sign-in-link.mjs'], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env },
    });
    return stdout.trim();
  }

  get sessionCookieName(): string {
    return `sandkeeper_session_${this.port}`;
  }

  /** Opens a session for each role and returns the values of their cookies. */
  async openSessions(): Promise<Record<Role, string>> {
    return JSON.parse(await this.#runBeside('open-sessions'));
  }

  /** Opens a session for each person with these roles on connections, and returns the values of their cookies by name. */
  async openSessionsOf<Name extends string>(
    people: readonly { name: Name; on: Record<string, Role> }[],
  ): Promise<Record<Name, string>> {
    return JSON.parse(await this.#runBeside('open-sessions', JSON.stringify(people)));
  }

  /** Changes the role of a running session, given the value of its cookie. */
  async changeRole(session: string, role: Role): Promise<void> {
    await this.#runBeside('change-role', session, role);
  }

  /** Makes the server ask the providers at once for the groups of everybody who is signed in. */
  async checkMemberships(): Promise<void> {
    await this.#runBeside('check-memberships');
  }

  /** Runs a helper program with the settings of the server and returns its output. */
  async #runBeside(helper: string, ...args: string[]): Promise<string> {
    const program = `build/e2e/${helper}.mjs`;
    await bundle(`e2e/support/${helper}.ts`, program);
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env },
    });
    return stdout;
  }

  /** Opens another server with the same engine, data and database on its own port. Close it before this one. */
  async openBeside(settings: Record<string, string> = {}): Promise<Sandkeeper> {
    const env = { ...this.#env, PORT: String(await freePort()), ...settings };
    const server = await startServer(env);
    return new Sandkeeper(this.engine, server.ready.url, server.ready.signInUrl, server, env, null);
  }

  /** Kills the server without a shutdown. The engine keeps running. */
  async crash(): Promise<void> {
    await crashService(this.#server);
  }

  /** Starts the server again after `crash`, with the same address and data. */
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
