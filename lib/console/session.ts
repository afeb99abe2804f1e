import 'server-only';
import { Backpressure } from './backpressure';
import { CheckedInput } from './checked-input';
import type { Foreground } from './foreground';
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
import type { ConsoleEnding, ConsoleInfo, ConsoleRequest, ConsoleState, TerminalSize } from './schema';
import { ShellConnection, type ShellConnectionOptions } from './shell-connection';
import { ShellWindow } from './shell-window';
import { TabInputs } from './tab-inputs';
import { TimeLimits } from './time-limits';
import { type Attachment, Viewer, type ViewerIdentity, type ViewerSocket } from './viewer';

export type SessionOptions = Pick<ShellConnectionOptions, 'openEnvd' | 'now' | 'onEnd'> & {
  /** The longest time without activity, ms. */
  idleMs: number;
  /** The longest lifetime, ms. */
  maxMs: number;
  /** Called when the result of `info` may have changed. */
  onChange: () => void;
};

export type Owner = { userId: string; actor: string; sessionId: string };

/** How long reading what is in the foreground may take, ms. */
const READ_MS = 5_000;

/** One shell in one sandbox, and the tabs that show it. It stays open while no tab shows it. */
export class ConsoleSession {
  readonly #options: SessionOptions;
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
  readonly #shell: ShellConnection;
  readonly #input = new InputQueue((bytes) => this.#shell.type(bytes));
  readonly #limits: TimeLimits;
  #state: ConsoleState = 'starting';
  #ending: ConsoleInfo['ending'] = null;
  #driver: Viewer | null = null;
  readonly #window: ShellWindow;
  #wasEndingSoon = false;
  readonly #backpressure = new Backpressure(this.#viewers);
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
    this.#shell = new ShellConnection(request, {
      openEnvd: options.openEnvd,
      now: options.now,
      onState: (state) => this.#become(state),
      onOutput: (bytes) => this.#receiveOutput(bytes),
      onEnd: (how, exitCode) => this.#finish(how, exitCode),
    });
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
  start(): Promise<void> {
    return this.#shell.start(this.tag);
  }

  /** What the person may know of this console. */
  info(userId: string): ConsoleInfo {
    const others = [...this.#viewers].filter((viewer) => viewer !== this.#driver);
    return {
      id: this.id,
      sandboxKey: this.request.sandboxKey,
      number: this.number,
      name: this.name,
      shell: this.#shell.name,
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
    if (this.#finish(how, null)) await this.#shell.kill();
  }

  /** Ends the console if its time is up, or announces that soon it will be. */
  checkTime(): void {
    if (this.#state === 'ended') return;
    const soon = this.#endsSoon();
    if (soon !== null && soon.atMs <= this.#options.now()) void this.end(soon.why);
    else if ((soon !== null) !== this.#wasEndingSoon) this.#publishState();
  }

  async #receiveOutput(bytes: Uint8Array): Promise<void> {
    this.#limits.recordActivity();
    this.#leftover.check(this.#append(bytes) ? 'prompt' : 'output');
    await this.#backpressure.wait(bytes.length);
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

  async #sendSize(size: TerminalSize): Promise<void> {
    if (this.#state === 'open') await this.#shell.resize(size);
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
        this.#shell.retryNow();
    }
  }

  /** Returns whether the shell may have printed a prompt. */
  #append(bytes: Uint8Array): boolean {
    const isPrompt = this.#output.append(bytes);
    for (const viewer of this.#viewers) viewer.pump();
    return isPrompt;
  }

  async #readForeground(signal: AbortSignal): Promise<Foreground> {
    return this.#state === 'open' ? this.#shell.readForeground(signal) : { kind: 'unknown' };
  }

  /** Resets the terminal through its output, so that every tab and every later replay gets it. */
  #restoreScreen(): void {
    this.#append(Buffer.from(this.#output.modes.restoration({ keepsPaste: this.#shell.name === 'bash' })));
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
    this.#shell.close();
    this.#backpressure.notify();
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
