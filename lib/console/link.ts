import type { LiveSocket, LiveState } from '../live/socket';
import {
  ACK_EVERY_BYTES,
  type ConsoleEvent,
  type ConsoleJoin,
  type ConsoleMessage,
  type Gap,
  INPUT_WINDOW_BYTES,
  MAX_INPUT_BYTES,
  packInput,
  type Refusal,
  unpackOutput,
} from './protocol';
import type { ConsoleInfo, TerminalSize } from './schema';

/** A terminal that draws the output. `drawn` is called when the drawing is done. */
export type Screen = {
  write: (bytes: Uint8Array, drawn: () => void) => void;
  /** Marks missing output. `preamble` sets the terminal modes that apply after it. */
  skip: (missingBytes: number, preamble: string, drawn: () => void) => void;
  /** Queries in replayed output must not be answered. */
  setReplaying: (isReplaying: boolean) => void;
  size: () => TerminalSize | null;
};

/** The state of a console, as one tab knows it. */
export type LinkState = {
  /** `unknown`: the server has no such console. `forbidden`: the person's role does not allow it. */
  phase: 'joining' | 'attached' | 'waiting' | 'unknown' | 'forbidden';
  info: ConsoleInfo | null;
  /** Whether this tab types into the shell. */
  drives: boolean;
  /** Set after the tab returned to the console. `afterMs` is the time away, `null` if unknown. */
  returned: { afterMs: number | null; missingBytes: number } | null;
  /** When the connection was lost, epoch ms. */
  lostAtMs: number | null;
  /** Input that did not arrive, or may not have. */
  lostInput: { bytes: number; reason: Refusal | 'connection' } | null;
  /** A program left terminal modes behind, and the server switched them off. */
  isRestored: boolean;
  /** How often input was refused. Every change is shown. */
  refusals: number;
};

/** The state before the first event. */
export const UNLINKED: LinkState = {
  phase: 'joining',
  info: null,
  drives: false,
  returned: null,
  lostAtMs: null,
  lostInput: null,
  isRestored: false,
  refusals: 0,
};

/** `client` identifies this tab while it shows the console. `isNew`: the tab has just opened the console. */
export type LinkOptions = { client: string; isNew: boolean; now?: () => number };

type Socket = Pick<LiveSocket, 'subscribe' | 'sendMessage' | 'sendBytes' | 'state' | 'onStateChange'>;

/** Connects one tab to a console. After a reconnect, exactly the missing output is drawn. */
export class ConsoleLink {
  readonly #screen: Screen;
  readonly #socket: Socket;
  readonly #topic;
  readonly #now: () => number;
  #isNew: boolean;
  readonly #listeners = new Set<() => void>();
  readonly #leave: () => void;
  /** The end offsets of received and of acknowledged output. */
  #arrived = 0;
  #acknowledged = 0;
  #replayUntil: number | null = null;
  #seq = 0;
  /** The server's count of refused inputs. */
  #refusals = 0;
  /** Input that was sent and is not acknowledged yet. */
  #underWay: { seq: number; size: number }[] = [];
  /** Input that is not sent yet. */
  #waiting: Uint8Array[] = [];
  #batch: Uint8Array[] = [];
  #state = UNLINKED;

  constructor(
    readonly id: string,
    screen: Screen,
    socket: Socket,
    { client, isNew, now = Date.now }: LinkOptions,
  ) {
    this.#screen = screen;
    this.#socket = socket;
    this.#isNew = isNew;
    this.#now = now;
    this.#topic = { channel: 'console', key: id } as const;
    const leaveChannel = socket.subscribe(
      'console',
      {
        onEvent: (payload) => this.#receive(payload as ConsoleEvent),
        onBytes: (frame) => this.#receiveOutput(frame),
        onGap: () => this.#handleLoss(),
        joinPayload: (): ConsoleJoin => ({ client, offset: this.#arrived, size: screen.size() }),
      },
      id,
    );
    const leaveState = socket.onStateChange(() => this.#follow(socket.state()));
    this.#leave = () => {
      leaveState();
      leaveChannel();
    };
  }

  /** For `useSyncExternalStore`. */
  readonly state = (): LinkState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Sends input. While it cannot be sent it is refused, never kept for later. */
  type(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { phase, drives, info } = this.#state;
    if (phase !== 'attached' || !drives || info?.state !== 'open') {
      this.#update({ refusals: this.#state.refusals + 1 });
      return;
    }
    // Input from one page event is sent together.
    if (this.#batch.length === 0) queueMicrotask(() => this.#sendBatch());
    this.#batch.push(bytes);
  }

  resize(size: TerminalSize): void {
    if (this.#state.drives) this.#send({ kind: 'resize', size });
  }

  takeOver(): void {
    const size = this.#screen.size() ?? this.#state.info?.size;
    if (size) this.#send({ kind: 'take-over', size });
  }

  /** Switches off all terminal modes. Only the tab that types may do this. */
  reset(): void {
    this.#send({ kind: 'reset' });
    this.dismissNotices();
  }

  /** Restarts the idle timeout. */
  keep(): void {
    this.#send({ kind: 'keep' });
  }

  /** Makes the server reconnect to the shell now, for example because the sandbox was resumed or terminated. */
  reconnect(): void {
    this.#send({ kind: 'reconnect' });
  }

  /** Dismisses the notice that the tab has returned. */
  dismissReturn(): void {
    if (this.#state.returned !== null) this.#update({ returned: null });
  }

  /** Dismisses the notices about the connection and about restored modes. */
  dismissNotices(): void {
    this.#update({ returned: null, lostInput: null, isRestored: false });
  }

  leave(): void {
    this.#leave();
    this.#listeners.clear();
  }

  #send(message: ConsoleMessage): void {
    this.#socket.sendMessage(this.#topic, message);
  }

  #sendBatch(): void {
    const whole = concat(this.#batch);
    this.#batch = [];
    for (let at = 0; at < whole.length; at += MAX_INPUT_BYTES)
      this.#waiting.push(whole.subarray(at, at + MAX_INPUT_BYTES));
    this.#flush();
  }

  #flush(): void {
    let sent = this.#underWay.reduce((sum, { size }) => sum + size, 0);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (sent > 0 && sent + next.length > INPUT_WINDOW_BYTES) return;
      const seq = this.#seq + 1;
      const frame = packInput({ seq, after: this.#refusals, bytes: next });
      if (!this.#socket.sendBytes(this.#topic, frame)) return;
      this.#seq = seq;
      this.#underWay.push({ seq, size: next.length });
      this.#waiting.shift();
      sent += next.length;
    }
  }

  #receiveOutput(frame: Uint8Array): void {
    const output = unpackOutput(frame);
    if (output === null || this.#state.phase === 'waiting') return;
    const known = this.#arrived - output.offset;
    // Skip output after a gap, and output that is already drawn.
    if (known < 0 || known >= output.bytes.length) return;
    const bytes = output.bytes.subarray(known);
    this.#arrived += bytes.length;
    const end = this.#arrived;
    this.#screen.write(bytes, () => this.#drew(end));
  }

  #drew(end: number): void {
    if (this.#replayUntil !== null && end >= this.#replayUntil) this.#endReplay();
    if (end - this.#acknowledged < ACK_EVERY_BYTES) return;
    this.#acknowledged = end;
    this.#send({ kind: 'ack', offset: end });
  }

  #receive(event: ConsoleEvent): void {
    switch (event.kind) {
      case 'attached':
        this.#attach(event);
        return;
      case 'gap':
        this.#skip(event);
        return;
      case 'state':
        this.#update({ info: event.info, drives: event.drives });
        return;
      case 'typed':
        this.#underWay = this.#underWay.filter(({ seq }) => seq > event.seq);
        this.#flush();
        return;
      case 'refused':
        this.#refuse(event);
        return;
      case 'restored':
        this.#update({ isRestored: true });
        return;
      default:
        this.#update({ phase: event.kind, drives: false });
    }
  }

  #attach({ typed, refusals, end, ...gap }: Extract<ConsoleEvent, { kind: 'attached' }>): void {
    this.#refusals = refusals;
    const { lostAtMs } = this.#state;
    const lost = this.#underWay.filter(({ seq }) => seq > typed);
    this.#underWay = [];
    this.#skip(gap);
    if (end > gap.from) this.#beginReplay(end);
    const unsent = this.#waiting;
    this.#waiting = [];
    const bytes =
      lost.reduce((sum, { size }) => sum + size, 0) + unsent.reduce((sum, { length }) => sum + length, 0);
    const isReturn = lostAtMs !== null || !this.#isNew;
    this.#isNew = true;
    const afterMs = lostAtMs === null ? null : this.#now() - lostAtMs;
    this.#update({
      phase: 'attached',
      lostAtMs: null,
      returned: isReturn ? { afterMs, missingBytes: gap.missing } : this.#state.returned,
      lostInput: bytes > 0 ? { bytes, reason: 'connection' } : this.#state.lostInput,
    });
  }

  #skip({ from, missing, preamble }: Gap): void {
    // An empty screen shows no gap, but needs the modes.
    if (missing > 0) {
      const acknowledge = () => this.#send({ kind: 'ack', offset: from });
      this.#screen.skip(this.#arrived === 0 ? 0 : missing, preamble, acknowledge);
    }
    // Output that arrived before this event is already drawn.
    this.#arrived = Math.max(this.#arrived, from);
    this.#acknowledged = from;
  }

  #refuse({ seq: refused, why: reason, refusals }: Extract<ConsoleEvent, { kind: 'refused' }>): void {
    this.#refusals = refusals;
    const lost = this.#underWay.filter(({ seq }) => seq === refused);
    this.#underWay = this.#underWay.filter(({ seq }) => seq !== refused);
    const bytes = lost.reduce((sum, { size }) => sum + size, 0) + (this.#state.lostInput?.bytes ?? 0);
    this.#waiting = [];
    this.#update({ lostInput: { bytes, reason }, refusals: this.#state.refusals + 1 });
  }

  #beginReplay(end: number): void {
    this.#replayUntil = end;
    this.#screen.setReplaying(true);
  }

  #endReplay(): void {
    this.#replayUntil = null;
    this.#screen.setReplaying(false);
  }

  #handleLoss(): void {
    if (this.#state.phase === 'unknown' || this.#state.phase === 'forbidden') return;
    const lostAtMs = this.#state.lostAtMs ?? (this.#state.phase === 'attached' ? this.#now() : null);
    this.#update({ phase: 'waiting', lostAtMs, returned: null });
  }

  #follow(state: LiveState): void {
    if (state === 'open' && this.#state.phase === 'waiting') this.#update({ phase: 'joining' });
  }

  #update(change: Partial<LinkState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
