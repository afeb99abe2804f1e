import 'server-only';
import { SandkeeperError } from '../errors';
import type { GuestProcesses } from '../sandbox-api/guest-processes';
import { type GuestTerminals, SHELL_GONE, type TerminalEvent } from '../sandbox-api/guest-terminals';
import { CheckedInput } from './checked-input';
import { findForeground } from './foreground';
import { HoldBack } from './hold-back';
import { InputQueue } from './input-queue';
import { ModeTracker } from './modes';
import {
  type ConsoleEvent,
  type ConsoleInput,
  type ConsoleMessage,
  type ConsoleOpening,
  type Refusal,
  unpackInput,
} from './protocol';
import { OutputRing } from './ring';
import type { ConsoleEnding, ConsoleInfo, ConsoleRequest, ConsoleState, TerminalSize } from './schema';
import { startShell } from './shell';
import { ShellWindow } from './shell-window';
import { Typists } from './typists';
import { type Attachment, Viewer, type ViewerDoor, type ViewerWho } from './viewer';

/** What of a running sandbox a console needs. */
export type ConsoleGuest = GuestTerminals & Pick<GuestProcesses, 'signalProcess' | 'run'>;

export type SessionParts = {
  /** The way into the sandbox. @throws SandkeeperError `not_found` when it is gone, `conflict` when it does not run */
  openGuest: (sandboxId: string) => Promise<ConsoleGuest>;
  now: () => number;
  /** How long it may do nothing, and be there at all, ms. */
  idleMs: number;
  mostMs: number;
  /** Something that `info` tells has changed. */
  onChange: () => void;
  onEnd: (how: ConsoleEnding, exitCode: number | null) => void;
};

export type Owner = { actor: string; sessionId: string };

const RING_BYTES = 1_500_000;
/** It is said this long before that a console will be ended, ms. */
const NOTICE_MS = 2 * 60_000;
const RETRY_AFTER_MS = [300, 1_000, 2_000, 5_000, 10_000, 10_000, 20_000, 30_000] as const;
/** The longest that a timer can wait: for ever. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** One shell in one sandbox, with those who look at it. It lives on here while nobody does. */
export class ConsoleSession {
  readonly #parts: SessionParts;
  readonly #leaving = new AbortController();
  readonly #viewers = new Set<Viewer>();
  readonly #current = new ModeTracker();
  readonly #dropped = new ModeTracker();
  readonly #ring = new OutputRing(RING_BYTES, (bytes) => this.#dropped.feed(bytes));
  readonly #typists = new Typists();
  readonly #input = new InputQueue((bytes) => this.#type(bytes));
  readonly #openedAtMs: number;
  #guest: ConsoleGuest | null = null;
  #pid: number | null = null;
  #shell = 'bash';
  #state: ConsoleState = 'starting';
  #ending: ConsoleInfo['ending'] = null;
  #driver: Viewer | null = null;
  readonly #window: ShellWindow;
  #activeAtMs: number;
  #wasEndingSoon = false;
  readonly #holdBack = new HoldBack(this.#viewers);
  #retryNow: () => void = () => {};
  name: string | null = null;

  constructor(
    readonly id: string,
    readonly number: number,
    readonly input: ConsoleRequest,
    public owner: Owner,
    readonly tag: string,
    parts: SessionParts,
  ) {
    this.#parts = parts;
    this.#window = new ShellWindow(input.size, (size) => this.#sendSize(size));
    this.#openedAtMs = this.#activeAtMs = parts.now();
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  get isWatched(): boolean {
    return this.#viewers.size > 0;
  }

  /** When it ended, if it has. */
  endedAtMs: number | null = null;

  /** Starts the shell and answers once it runs. @throws SandkeeperError when it does not */
  async start(): Promise<void> {
    const { signal } = this.#leaving;
    const guest = await this.#parts.openGuest(this.input.sandboxId);
    this.#guest = guest;
    const { events, pid, name } = await startShell(guest, this.input, this.tag, signal);
    this.#pid = pid;
    this.#shell = name;
    this.#become('open');
    void this.#live(events);
  }

  /** As `actor` sees it. */
  info(actor: string): ConsoleInfo {
    const others = [...this.#viewers].filter((viewer) => viewer !== this.#driver);
    return {
      id: this.id,
      sandboxId: this.input.sandboxId,
      number: this.number,
      name: this.name,
      shell: this.#shell,
      user: this.input.user,
      state: this.#state,
      ending: this.#ending,
      owner: this.owner.actor,
      isMine: this.owner.actor === actor,
      driver: this.#driver?.who.actor ?? null,
      watchers: others.map(({ who }) => who.actor),
      size: this.#window.size,
      endsSoon: this.#endsSoon(),
    };
  }

  /** Lets a tab look on, from where it is; the answer ends that. */
  attach(who: ViewerWho, door: ViewerDoor, { offset, size }: ConsoleOpening): Attachment {
    // The same tab over a new connection: the old one may not have been noticed to be lost.
    for (const other of this.#viewers) if (other.who.client === who.client) this.#drop(other);
    const viewer = new Viewer(who, door, this.#ring, () => this.#dropped.preamble(), this.#parts.now);
    this.#viewers.add(viewer);
    const { client } = who;
    viewer.begin(offset, { typed: this.#typists.typed(client), refusals: this.#typists.refusals(client) });
    if (this.#driver === null && who.actor === this.owner.actor) {
      this.#driver = viewer;
      if (size !== null) this.#window.resize(size);
    }
    if (this.#current.isOtherScreen) void this.#window.nudge();
    this.#tellState();
    const inputs = new CheckedInput(door, this.#parts.now, (input) => this.#take(viewer, input));
    return {
      leave: () => this.#drop(viewer),
      onBytes: (frame) => {
        const input = unpackInput(frame);
        if (input !== null && !inputs.add(input)) this.#refuse(client, input.seq, 'too_much');
      },
      onMessage: (message) => this.#hear(viewer, message),
      takeOver: (size) => this.#takeOver(viewer, size),
    };
  }

  rename(name: string): void {
    this.name = name === '' ? null : name;
    this.#tellState();
  }

  /** The program in the foreground beside the shell, by its name; `null` when there is none, or nobody can tell. */
  async findRunning(signal: AbortSignal): Promise<string | null> {
    if (this.#state !== 'open' || this.#guest === null || this.#pid === null) return null;
    return findForeground(this.#guest, this.#pid, signal);
  }

  /** Ends it for good, and the shell with it. What was started apart from the shell goes on. */
  async end(how: ConsoleEnding): Promise<void> {
    if (!this.#finish(how, null) || this.#guest === null || this.#pid === null) return;
    await this.#guest.signalProcess(this.#pid, 'SIGKILL', AbortSignal.timeout(1_500)).catch(() => {});
  }

  /** Looks at the clock: says that the end is near, or makes it. */
  checkTime(): void {
    if (this.#state === 'ended') return;
    const soon = this.#endsSoon();
    if (soon !== null && soon.atMs <= this.#parts.now()) void this.end(soon.why);
    else if ((soon !== null) !== this.#wasEndingSoon) this.#tellState();
  }

  /** Follows the shell to its end, over whatever becomes of the connection to it. */
  async #live(first: AsyncGenerator<TerminalEvent, void, undefined>): Promise<void> {
    let events = first;
    for (let failures = 0; !this.isOver; ) {
      const startedAtMs = this.#parts.now();
      try {
        await this.#follow(events);
      } catch (thrown) {
        this.#lose(SandkeeperError.from(thrown));
      }
      if (this.isOver) return;
      if (this.#parts.now() - startedAtMs > 10_000) failures = 0;
      const again = await this.#reconnect(failures);
      if (again === null) return;
      failures += 1;
      events = again;
    }
  }

  async #follow(events: AsyncGenerator<TerminalEvent, void, undefined>): Promise<void> {
    for await (const event of events) {
      if (event.kind === 'end') {
        this.#finish('exited', event.exitCode);
        return;
      }
      if (event.kind === 'start') {
        this.#become('open');
        continue;
      }
      this.#ring.append(event.bytes);
      this.#current.feed(event.bytes);
      this.#activeAtMs = this.#parts.now();
      for (const viewer of this.#viewers) viewer.pump();
      await this.#holdBack.after(event.bytes.length);
    }
    throw new SandkeeperError('unavailable', 'The connection to the shell broke off.');
  }

  #lose(error: SandkeeperError): void {
    if (error.problem === SHELL_GONE) this.#finish('vanished', null);
    else if (error.code === 'not_found') this.#finish('gone', null);
    else this.#become(error.code === 'conflict' ? 'paused' : 'unreachable');
  }

  /** Tries until it works or is over. A paused sandbox is not asked before somebody says that it runs again. */
  async #reconnect(failures: number): Promise<AsyncGenerator<TerminalEvent, void, undefined> | null> {
    for (let tries = failures; ; tries += 1) {
      const isPaused = this.#state === 'paused';
      if (isPaused) tries = 0;
      const waitMs = isPaused ? null : RETRY_AFTER_MS[tries];
      if (waitMs === undefined) {
        this.#finish('unreachable', null);
        return null;
      }
      // What somebody asks for comes on top.
      if (await this.#turn(waitMs ?? LONGEST_TIMER_MS)) tries -= 1;
      if (this.isOver || this.#pid === null) return null;
      try {
        this.#guest = await this.#parts.openGuest(this.input.sandboxId);
        return this.#guest.followTerminal(this.#pid, this.#leaving.signal);
      } catch (thrown) {
        this.#lose(SandkeeperError.from(thrown));
        if (this.isOver) return null;
      }
    }
  }

  /** Waits; true when somebody said before that it is time. */
  #turn(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), waitMs).unref();
      this.#retryNow = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #take(viewer: Viewer, input: ConsoleInput): void {
    const { seq, bytes } = input;
    const { client } = viewer.who;
    if (seq <= this.#typists.typed(client)) return;
    const misled = this.#typists.misled(client, input);
    const failed = () => this.#refuse(client, seq, 'failed');
    if (misled !== null) this.#tellRefused(client, seq, misled);
    else if (viewer !== this.#driver) this.#refuse(client, seq, 'watching');
    else if (this.#state !== 'open') this.#refuse(client, seq, 'not_open');
    else if (this.#input.add(bytes, () => this.#tell(client, { kind: 'typed', seq }), failed)) {
      this.#activeAtMs = this.#parts.now();
      this.#typists.noteTyped(client, seq);
    } else this.#refuse(client, seq, 'too_much');
  }

  #refuse(client: string, seq: number, why: Refusal): void {
    this.#typists.noteRefused(client, why);
    this.#tellRefused(client, seq, why);
  }

  #tellRefused(client: string, seq: number, why: Refusal): void {
    this.#tell(client, { kind: 'refused', seq, why, refusals: this.#typists.refusals(client) });
  }

  /** Over the connection that the tab has now: what became of its input may be known only after it lost another. */
  #tell(client: string, event: ConsoleEvent): void {
    for (const { who, door } of this.#viewers) if (who.client === client) door.send(event);
  }

  async #type(bytes: Uint8Array): Promise<void> {
    if (this.#guest === null || this.#pid === null) throw new Error('There is no shell.');
    await this.#guest.typeInto(this.#pid, bytes, this.#leaving.signal);
  }

  async #sendSize(size: TerminalSize): Promise<void> {
    if (this.#guest === null || this.#pid === null || this.#state !== 'open') return;
    await this.#guest.resizeTerminal(this.#pid, size, this.#leaving.signal);
  }

  #hear(viewer: Viewer, message: Exclude<ConsoleMessage, { kind: 'take-over' }>): void {
    switch (message.kind) {
      case 'ack':
        viewer.acknowledge(message.offset);
        this.#holdBack.wake();
        return;
      case 'resize':
        if (viewer === this.#driver && this.#window.resize(message.size)) this.#tellState();
        return;
      case 'keep':
        this.#activeAtMs = this.#parts.now();
        this.#tellState();
        return;
      case 'reconnect':
        this.#retryNow();
    }
  }

  #takeOver(viewer: Viewer, size: TerminalSize): void {
    if (!this.#viewers.has(viewer)) return;
    this.#driver = viewer;
    const { actor, sessionId } = viewer.who;
    this.owner = { actor, sessionId };
    this.#window.resize(size);
    this.#tellState();
  }

  #drop(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    if (this.#driver === viewer) {
      // Another tab of the same person takes the keys; other people have to ask for them.
      const own = [...this.#viewers].filter(({ who }) => who.actor === this.owner.actor);
      this.#driver = own.at(-1) ?? null;
    }
    this.#holdBack.wake();
    this.#tellState();
  }

  #endsSoon(): ConsoleInfo['endsSoon'] {
    if (this.#state === 'ended') return null;
    const { idleMs, mostMs, now } = this.#parts;
    const idleAtMs = this.#activeAtMs + idleMs;
    const mostAtMs = this.#openedAtMs + mostMs;
    const soon =
      idleAtMs < mostAtMs
        ? ({ atMs: idleAtMs, why: 'idle' } as const)
        : ({ atMs: mostAtMs, why: 'too_long' } as const);
    return soon.atMs - now() <= NOTICE_MS ? soon : null;
  }

  #become(state: ConsoleState): void {
    if (this.#state === state || this.isOver) return;
    const wasAway = this.#state !== 'starting';
    this.#state = state;
    this.#tellState();
    // Programs that stood still have not heard of what the window became meanwhile.
    if (state === 'open' && wasAway) void this.#window.nudge();
  }

  /** False when it is over already. */
  #finish(how: ConsoleEnding, exitCode: number | null): boolean {
    if (this.isOver) return false;
    this.#state = 'ended';
    this.#ending = { how, exitCode };
    this.endedAtMs = this.#parts.now();
    this.#leaving.abort();
    this.#holdBack.wake();
    this.#retryNow();
    this.#tellState();
    this.#parts.onEnd(how, exitCode);
    return true;
  }

  #tellState(): void {
    this.#wasEndingSoon = this.#endsSoon() !== null;
    for (const viewer of this.#viewers)
      viewer.door.send({
        kind: 'state',
        info: this.info(viewer.who.actor),
        drives: viewer === this.#driver,
        sentAtMs: this.#parts.now(),
      });
    this.#parts.onChange();
  }
}
