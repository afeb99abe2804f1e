import 'server-only';
import { SandkeeperError } from '../errors';
import type { EnvdFiles } from '../sandbox-api/envd-files';
import type { ProcessEvent } from '../sandbox-api/envd-process-messages';
import { type EnvdProcesses, PROCESS_GONE } from '../sandbox-api/envd-processes';
import type { EnvdTerminals } from '../sandbox-api/envd-terminals';
import type { SandboxKey } from '../sandbox-key';
import { type Foreground, readForeground } from './foreground';
import { RETRY_AFTER_MS, RetryWait, STABLE_AFTER_MS } from './retry-wait';
import type { ConsoleEnding, ConsoleRequest, TerminalSize } from './schema';
import { startShell } from './shell';

/** The calls to a running sandbox that consoles use. */
export type ConsoleEnvd = EnvdTerminals & EnvdProcesses & Pick<EnvdFiles, 'stat'>;

export type ShellConnectionOptions = {
  /** @throws SandkeeperError `not_found` if the sandbox is gone, `conflict` if it is not running */
  openEnvd: (sandboxKey: SandboxKey) => Promise<ConsoleEnvd>;
  now: () => number;
  onState: (state: 'open' | 'paused' | 'unreachable') => void;
  /** Resolves when the shell may send more. */
  onOutput: (bytes: Uint8Array) => Promise<void>;
  /** Called when there is no shell to come back to. Closes the connection. */
  onEnd: (how: ConsoleEnding, exitCode: number | null) => void;
};

type ShellEvents = AsyncGenerator<ProcessEvent, void, undefined>;
/** A shell that has started, and the sandbox as it was last reached. */
type Shell = { envd: ConsoleEnvd; pid: number; name: string };

/** The shell of a console and the connection to it, which is opened again when it is lost. */
export class ShellConnection {
  readonly #request: ConsoleRequest;
  readonly #options: ShellConnectionOptions;
  readonly #closing = new AbortController();
  readonly #retry = new RetryWait();
  #shell: Shell | null = null;
  #isPaused = false;

  constructor(request: ConsoleRequest, options: ShellConnectionOptions) {
    this.#request = request;
    this.#options = options;
  }

  /** The name of the shell. The usual one until it is known. */
  get name(): string {
    return this.#shell?.name ?? 'bash';
  }

  /** Resolves when the shell has started. `tag` labels its process in the sandbox. @throws SandkeeperError */
  async start(tag: string): Promise<void> {
    const envd = await this.#options.openEnvd(this.#request.sandboxKey);
    const { events, pid, name } = await startShell(envd, this.#request, tag, this.#closing.signal);
    this.#shell = { envd, pid, name };
    this.#options.onState('open');
    void this.#run(events);
  }

  /** @throws SandkeeperError */
  async type(bytes: Uint8Array): Promise<void> {
    if (this.#shell === null) throw new Error('The shell has not started.');
    const { envd, pid } = this.#shell;
    await envd.typeInto(pid, bytes, this.#closing.signal);
  }

  async resize(size: TerminalSize): Promise<void> {
    await this.#shell?.envd.resizeTerminal(this.#shell.pid, size, this.#closing.signal);
  }

  async readForeground(signal: AbortSignal): Promise<Foreground> {
    if (this.#shell === null) return { kind: 'unknown' };
    return readForeground(this.#shell.envd, this.#shell.pid, signal);
  }

  /** Reconnects at once instead of after a delay. */
  retryNow(): void {
    this.#retry.cutShort();
  }

  /** Leaves the shell as it is. */
  close(): void {
    this.#closing.abort();
    this.#retry.cutShort();
  }

  /** Kills the shell of a closed connection. Its background processes may keep running. */
  async kill(): Promise<void> {
    await this.#shell?.envd
      .signalProcess(this.#shell.pid, 'SIGKILL', AbortSignal.timeout(1_500))
      .catch(() => {});
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Follows the shell until it ends. Reconnects when the connection is lost. */
  async #run(first: ShellEvents): Promise<void> {
    let events = first;
    for (let failures = 0; !this.#isClosed; ) {
      const startedAtMs = this.#options.now();
      try {
        await this.#follow(events);
      } catch (thrown) {
        this.#handleLoss(SandkeeperError.from(thrown));
      }
      if (this.#isClosed) return;
      if (this.#options.now() - startedAtMs > STABLE_AFTER_MS) failures = 0;
      const again = await this.#reconnect(failures);
      if (again === null) return;
      failures += 1;
      events = again;
    }
  }

  async #follow(events: ShellEvents): Promise<void> {
    for await (const event of events) {
      if (event.kind === 'end') {
        this.#options.onEnd('exited', event.exitCode);
        return;
      }
      if (event.kind === 'start') this.#become('open');
      if (event.kind === 'pty') await this.#options.onOutput(event.bytes);
    }
    throw new SandkeeperError('unavailable', 'The connection to the shell was lost.');
  }

  #handleLoss(error: SandkeeperError): void {
    if (error.problem === PROCESS_GONE) this.#options.onEnd('vanished', null);
    else if (error.code === 'not_found') this.#options.onEnd('gone', null);
    else this.#become(error.code === 'conflict' ? 'paused' : 'unreachable');
  }

  #become(state: 'open' | 'paused' | 'unreachable'): void {
    this.#isPaused = state === 'paused';
    this.#options.onState(state);
  }

  /**
   * Retries until it is connected or closed. While the sandbox is paused, waits until a retry is requested.
   */
  async #reconnect(failures: number): Promise<ShellEvents | null> {
    for (let tries = failures; ; tries += 1) {
      if (this.#isPaused) tries = 0;
      const waitMs = this.#isPaused ? null : RETRY_AFTER_MS[tries];
      if (waitMs === undefined) {
        this.#options.onEnd('unreachable', null);
        return null;
      }
      // Requested retries do not count, or else impatience would end the console.
      if (await this.#retry.wait(waitMs)) tries -= 1;
      if (this.#isClosed || this.#shell === null) return null;
      try {
        this.#shell = { ...this.#shell, envd: await this.#options.openEnvd(this.#request.sandboxKey) };
        return this.#shell.envd.followProcess(this.#shell.pid, this.#closing.signal);
      } catch (thrown) {
        this.#handleLoss(SandkeeperError.from(thrown));
        if (this.#isClosed) return null;
      }
    }
  }
}
