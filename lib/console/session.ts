import 'server-only';
import { SandkeeperError } from '../errors';
import type { EnvdFiles } from '../sandbox-api/envd-files';
import type { ProcessEvent } from '../sandbox-api/envd-process-messages';
import { type EnvdProcesses, PROCESS_GONE } from '../sandbox-api/envd-processes';
import type { EnvdTerminals } from '../sandbox-api/envd-terminals';
import type { SandboxKey } from '../sandbox-key';
import { Backpressure } from './backpressure';
import { CheckedInput } from './checked-input';
import { type Foreground, readForeground } from './foreground';
import { InputQueue } from './input-queue';
import { isReport, LeftoverModes } from './leftover-modes';
import { ConsoleOutput } from './output';
import {
  type ConsoleEvent,
  type ConsoleInput,
  type ConsoleJoin,
  type ConsoleMessage,
  type Refusal,
  unpackInput,
} from './protocol';
import { RETRY_AFTER_MS, RetryWait, STABLE_AFTER_MS } from './retry-wait';
import type { ConsoleEnding, ConsoleInfo, ConsoleRequest, ConsoleState, TerminalSize } from './schema';
import { startShell } from './shell';
import { ShellWindow } from './shell-window';
import { TabInputs } from './tab-inputs';
import { TimeLimits } from './time-limits';
import { type Attachment, Viewer, type ViewerIdentity, type ViewerSocket } from './viewer';

/** The calls to a running sandbox that consoles use. */
export type ConsoleEnvd = EnvdTerminals & EnvdProcesses & Pick<EnvdFiles, 'stat'>;

export type SessionOptions = {
  /** @throws SandkeeperError `not_found` if the sandbox is gone, `conflict` if it is not running */
  openEnvd: (sandboxKey: SandboxKey) => Promise<ConsoleEnvd>;
  now: () => number;
  /** The longest time without activity, ms. */
  idleMs: number;
  /** The longest lifetime, ms. */
  maxMs: number;
  /** Called when the result of `info` may have changed. */
  onChange: () => void;
  onEnd: (how: ConsoleEnding, exitCode: number | null) => void;
};

type ShellEvents = AsyncGenerator<ProcessEvent, void, undefined>;

export type Owner = { userId: string; actor: string; sessionId: string };

/** How long reading what is in the foreground may take, ms. */
const READ_MS = 5_000;

/** One shell in one sandbox, and the tabs that show it. It stays open while no tab shows it. */
export class ConsoleSession {
  readonly #options: SessionOptions;
  readonly #leaving = new AbortController();
  readonly #viewers = new Set<Viewer>();
  readonly #output = new ConsoleOutput();
  readonly #leftover = new LeftoverModes({
    isSet: () => this.#state === 'open' && this.#output.modes.hasProgramModes,
    readForeground: () => this.#readForeground(AbortSignal.timeout(READ_MS)),
    onLeftover: () => {
      this.#restoreScreen();
      for (const { socket } of this.#viewers) socket.send({ kind: 'restored' });
    },
  });
  readonly #tabInputs = new TabInputs();
  readonly #input = new InputQueue((bytes) => this.#type(bytes));
  readonly #limits: TimeLimits;
  #envd: ConsoleEnvd | null = null;
  #pid: number | null = null;
  #shell = 'bash';
  #state: ConsoleState = 'starting';
  #ending: ConsoleInfo['ending'] = null;
  #driver: Viewer | null = null;
  readonly #window: ShellWindow;
  #wasEndingSoon = false;
  readonly #backpressure = new Backpressure(this.#viewers);
  readonly #retry = new RetryWait();
  name: string | null = null;

  constructor(
    readonly id: string,
    readonly number: number,
    readonly request: ConsoleRequest,
    public owner: Owner,
    readonly tag: string,
    options: SessionOptions,
  ) {
    this.#options = options;
    this.#window = new ShellWindow(request.size, (size) => this.#sendSize(size));
    this.#limits = new TimeLimits(options);
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  get isWatched(): boolean {
    return this.#viewers.size > 0;
  }

  /** `null` while it has not ended. */
  endedAtMs: number | null = null;

  /** Resolves when the shell has started. @throws SandkeeperError */
  async start(): Promise<void> {
    const { signal } = this.#leaving;
    const envd = await this.#options.openEnvd(this.request.sandboxKey);
    this.#envd = envd;
    const { events, pid, name } = await startShell(envd, this.request, this.tag, signal);
    this.#pid = pid;
    this.#shell = name;
    this.#become('open');
    void this.#run(events);
  }

  /** What the person may know of this console. */
  info(userId: string): ConsoleInfo {
    const others = [...this.#viewers].filter((viewer) => viewer !== this.#driver);
    return {
      id: this.id,
      sandboxKey: this.request.sandboxKey,
      number: this.number,
      name: this.name,
      shell: this.#shell,
      user: this.request.user,
      state: this.#state,
      ending: this.#ending,
      owner: this.owner.actor,
      isMine: this.owner.userId === userId,
      driver: this.#driver?.identity.actor ?? null,
      watchers: others.map(({ identity }) => identity.actor),
      size: this.#window.size,
      endsSoon: this.#endsSoon(),
    };
  }

  /** Shows the output to a tab, from the offset that it has already reached. */
  attach(identity: ViewerIdentity, socket: ViewerSocket, { offset, size }: ConsoleJoin): Attachment {
    const { client } = identity;
    // When a tab reconnects, the loss of its old connection may not have been noticed yet.
    for (const other of this.#viewers) if (other.identity.client === client) this.#drop(other);
    const viewer = new Viewer(identity, socket, this.#output, this.#options.now);
    this.#viewers.add(viewer);
    viewer.begin(offset, {
      typed: this.#tabInputs.typed(client),
      refusals: this.#tabInputs.refusals(client),
    });
    if (this.#driver === null && identity.userId === this.owner.userId) {
      this.#driver = viewer;
      if (size !== null) this.#window.resize(size);
    }
    if (this.#output.modes.isAlternateScreen) void this.#window.redraw();
    this.#leftover.check('attach');
    this.#publishState();
    const checked = new CheckedInput(socket, this.#options.now, (input) => this.#acceptInput(viewer, input));
    return {
      leave: () => this.#drop(viewer),
      onBytes: (frame) => {
        const input = unpackInput(frame);
        if (input !== null && !checked.add(input)) this.#refuse(client, input.seq, 'too_much');
      },
      onMessage: (message) => this.#receive(viewer, message),
      takeOver: (size) => this.#takeOver(viewer, size),
    };
  }

  rename(name: string): void {
    this.name = name === '' ? null : name;
    this.#publishState();
  }

  /** The name of the program in the foreground; `null` if it is the shell itself, or if the shell cannot be reached. */
  async findRunning(signal: AbortSignal): Promise<string | null> {
    const foreground = await this.#readForeground(signal);
    return foreground.kind === 'program' ? foreground.name : null;
  }

  /** Ends the console and kills its shell. Background processes of the shell may keep running. */
  async end(how: ConsoleEnding): Promise<void> {
    if (!this.#finish(how, null) || this.#envd === null || this.#pid === null) return;
    await this.#envd.signalProcess(this.#pid, 'SIGKILL', AbortSignal.timeout(1_500)).catch(() => {});
  }

  /** Ends the console if its time is up, or announces that soon it will be. */
  checkTime(): void {
    if (this.#state === 'ended') return;
    const soon = this.#endsSoon();
    if (soon !== null && soon.atMs <= this.#options.now()) void this.end(soon.why);
    else if ((soon !== null) !== this.#wasEndingSoon) this.#publishState();
  }

  /** Follows the shell until it ends. Reconnects when the connection is lost. */
  async #run(first: ShellEvents): Promise<void> {
    let events = first;
    for (let failures = 0; !this.isOver; ) {
      const startedAtMs = this.#options.now();
      try {
        await this.#follow(events);
      } catch (thrown) {
        this.#handleLoss(SandkeeperError.from(thrown));
      }
      if (this.isOver) return;
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
        this.#finish('exited', event.exitCode);
        return;
      }
      if (event.kind === 'start') this.#become('open');
      if (event.kind !== 'pty') continue;
      this.#limits.recordActivity();
      this.#leftover.check(this.#append(event.bytes) ? 'prompt' : 'output');
      await this.#backpressure.wait(event.bytes.length);
    }
    throw new SandkeeperError('unavailable', 'The connection to the shell was lost.');
  }

  #handleLoss(error: SandkeeperError): void {
    if (error.problem === PROCESS_GONE) this.#finish('vanished', null);
    else if (error.code === 'not_found') this.#finish('gone', null);
    else this.#become(error.code === 'conflict' ? 'paused' : 'unreachable');
  }

  /**
   * Retries until it is connected or the console has ended. While the sandbox is paused, waits until a tab requests a
   * retry.
   */
  async #reconnect(failures: number): Promise<ShellEvents | null> {
    for (let tries = failures; ; tries += 1) {
      const isPaused = this.#state === 'paused';
      if (isPaused) tries = 0;
      const waitMs = isPaused ? null : RETRY_AFTER_MS[tries];
      if (waitMs === undefined) {
        this.#finish('unreachable', null);
        return null;
      }
      // Requested retries do not count, or else impatience would end the console.
      if (await this.#retry.wait(waitMs)) tries -= 1;
      if (this.isOver || this.#pid === null) return null;
      try {
        this.#envd = await this.#options.openEnvd(this.request.sandboxKey);
        return this.#envd.followProcess(this.#pid, this.#leaving.signal);
      } catch (thrown) {
        this.#handleLoss(SandkeeperError.from(thrown));
        if (this.isOver) return null;
      }
    }
  }

  #acceptInput(viewer: Viewer, input: ConsoleInput): void {
    const { seq, bytes } = input;
    const { client } = viewer.identity;
    if (seq <= this.#tabInputs.typed(client)) return;
    const earlierRefusal = this.#tabInputs.earlierRefusal(client, input);
    const sent = () => this.#sendTo(client, { kind: 'typed', seq });
    const failed = () => this.#refuse(client, seq, 'failed');
    if (earlierRefusal !== null) this.#sendRefusal(client, seq, earlierRefusal);
    else if (viewer !== this.#driver) this.#refuse(client, seq, 'watching');
    else if (this.#state !== 'open') this.#refuse(client, seq, 'not_open');
    else if (this.#input.add(bytes, sent, failed)) {
      this.#limits.recordActivity();
      this.#tabInputs.recordTyped(client, seq);
      if (isReport(bytes)) this.#leftover.check('input');
    } else this.#refuse(client, seq, 'too_much');
  }

  #refuse(client: string, seq: number, reason: Refusal): void {
    this.#tabInputs.recordRefused(client, reason);
    this.#sendRefusal(client, seq, reason);
  }

  #sendRefusal(client: string, seq: number, reason: Refusal): void {
    this.#sendTo(client, { kind: 'refused', seq, why: reason, refusals: this.#tabInputs.refusals(client) });
  }

  /** Sends over the tab's current connection. The tab may have reconnected since it sent the input. */
  #sendTo(client: string, event: ConsoleEvent): void {
    for (const { identity, socket } of this.#viewers) if (identity.client === client) socket.send(event);
  }

  async #type(bytes: Uint8Array): Promise<void> {
    if (this.#envd === null || this.#pid === null) throw new Error('The shell has not started.');
    await this.#envd.typeInto(this.#pid, bytes, this.#leaving.signal);
  }

  async #sendSize(size: TerminalSize): Promise<void> {
    if (this.#envd === null || this.#pid === null || this.#state !== 'open') return;
    await this.#envd.resizeTerminal(this.#pid, size, this.#leaving.signal);
  }

  #receive(viewer: Viewer, message: Exclude<ConsoleMessage, { kind: 'take-over' }>): void {
    switch (message.kind) {
      case 'ack':
        viewer.acknowledge(message.offset);
        this.#backpressure.notify();
        return;
      case 'resize':
        if (viewer === this.#driver && this.#window.resize(message.size)) this.#publishState();
        return;
      case 'keep':
        this.#limits.recordActivity();
        this.#publishState();
        return;
      case 'reset':
        if (viewer === this.#driver && this.#state === 'open') this.#restoreScreen();
        return;
      case 'reconnect':
        this.#retry.cutShort();
    }
  }

  /** Returns whether the shell may have printed a prompt. */
  #append(bytes: Uint8Array): boolean {
    const isPrompt = this.#output.append(bytes);
    for (const viewer of this.#viewers) viewer.pump();
    return isPrompt;
  }

  async #readForeground(signal: AbortSignal): Promise<Foreground> {
    if (this.#state !== 'open' || this.#envd === null || this.#pid === null) return { kind: 'unknown' };
    return readForeground(this.#envd, this.#pid, signal);
  }

  /** Resets the terminal through its output, so that every tab and every later replay gets it. */
  #restoreScreen(): void {
    this.#append(Buffer.from(this.#output.modes.restoration({ keepsPaste: this.#shell === 'bash' })));
    // The shell draws its prompt again.
    void this.#window.redraw();
  }

  #takeOver(viewer: Viewer, size: TerminalSize): void {
    if (!this.#viewers.has(viewer)) return;
    this.#driver = viewer;
    const { userId, actor, sessionId } = viewer.identity;
    this.owner = { userId, actor, sessionId };
    this.#window.resize(size);
    this.#publishState();
  }

  #drop(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    if (this.#driver === viewer) {
      // Another tab of the owner takes over typing. Other people have to take it over themselves.
      const own = [...this.#viewers].filter(({ identity }) => identity.userId === this.owner.userId);
      this.#driver = own.at(-1) ?? null;
    }
    this.#backpressure.notify();
    this.#publishState();
  }

  #endsSoon(): ConsoleInfo['endsSoon'] {
    return this.isOver ? null : this.#limits.endsSoon();
  }

  #become(state: ConsoleState): void {
    if (this.#state === state || this.isOver) return;
    const wasAway = this.#state !== 'starting';
    this.#state = state;
    this.#publishState();
    // The window may have been resized while the shell could not be reached.
    if (state === 'open' && wasAway) void this.#window.redraw();
  }

  /** Returns false if it has already ended. */
  #finish(how: ConsoleEnding, exitCode: number | null): boolean {
    if (this.isOver) return false;
    this.#state = 'ended';
    const { modes } = this.#output;
    if (modes.hasProgramModes) this.#append(Buffer.from(modes.restoration({ keepsPaste: false })));
    this.#ending = { how, exitCode };
    this.endedAtMs = this.#options.now();
    this.#leaving.abort();
    this.#backpressure.notify();
    this.#retry.cutShort();
    this.#publishState();
    this.#options.onEnd(how, exitCode);
    return true;
  }

  #publishState(): void {
    this.#wasEndingSoon = this.#endsSoon() !== null;
    for (const viewer of this.#viewers)
      viewer.socket.send({
        kind: 'state',
        info: this.info(viewer.identity.userId),
        drives: viewer === this.#driver,
        sentAtMs: this.#options.now(),
      });
    this.#options.onChange();
  }
}
