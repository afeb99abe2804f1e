import type { LiveSocket, LiveState } from '../live/socket';
import {
  ACK_EVERY_BYTES,
  type ConsoleEvent,
  type ConsoleMessage,
  type ConsoleOpening,
  type Gap,
  INPUT_WINDOW_BYTES,
  MAX_INPUT_BYTES,
  packInput,
  type Refusal,
  unpackOutput,
} from './protocol';
import type { ConsoleInfo, TerminalSize } from './schema';

/** Where output is drawn. */
export type Screen = {
  /** Draws bytes and says when that is done. */
  write: (bytes: Uint8Array, drawn: () => void) => void;
  /** Output was left out here; `preamble` brings the screen into the modes that hold behind it. Says when that is done. */
  skip: (missingBytes: number, preamble: string, drawn: () => void) => void;
  /** While what comes was written in the past, nothing that it asks may be answered. */
  setReplaying: (isReplaying: boolean) => void;
  size: () => TerminalSize | null;
};

/** What a tab knows of its console. */
export type LinkState = {
  /** `unknown`: the server has no such console; `forbidden`: this person may not. */
  phase: 'joining' | 'attached' | 'waiting' | 'unknown' | 'forbidden';
  info: ConsoleInfo | null;
  /** Whether what is typed here goes into the shell. */
  drives: boolean;
  /** How it was when this tab came back to the console, and after how long, where it knows; `null`: nothing to say. */
  returned: { afterMs: number | null; missingBytes: number } | null;
  /** Since when it is lost, epoch ms. */
  lostAtMs: number | null;
  /** Typed, and never arrived or not known to have. */
  lostInput: { bytes: number; why: Refusal | 'connection' } | null;
  /** How often typing was refused: each time is to be seen. */
  refusals: number;
};

/** Before anything was heard. */
export const UNLINKED: LinkState = {
  phase: 'joining',
  info: null,
  drives: false,
  returned: null,
  lostAtMs: null,
  lostInput: null,
  refusals: 0,
};

/** `client` names this tab for as long as it shows the console. `isNew`: it has just opened it. */
export type LinkOptions = { client: string; isNew: boolean; now?: () => number };

type Socket = Pick<LiveSocket, 'subscribe' | 'say' | 'sendBytes' | 'state' | 'onStateChange'>;

/** One tab's end of a console: brings exactly the missing output to a screen, and what is typed to the shell. */
export class ConsoleLink {
  readonly #screen: Screen;
  readonly #socket: Socket;
  readonly #place;
  readonly #now: () => number;
  #isNew: boolean;
  readonly #listeners = new Set<() => void>();
  readonly #leave: () => void;
  /** Offset behind the output that has arrived, and behind what has been acknowledged. */
  #arrived = 0;
  #acknowledged = 0;
  #replayUntil: number | null = null;
  #seq = 0;
  /** How often input was refused, as the server counts. */
  #refusals = 0;
  /** Sent and not acknowledged, and not sent yet. */
  #underWay: { seq: number; size: number }[] = [];
  #waiting: Uint8Array[] = [];
  #gathered: Uint8Array[] = [];
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
    this.#place = { channel: 'console', key: id } as const;
    const leaveChannel = socket.subscribe(
      'console',
      {
        onEvent: (payload) => this.#hear(payload as ConsoleEvent),
        onBytes: (frame) => this.#receive(frame),
        onGap: () => this.#lose(),
        opening: (): ConsoleOpening => ({ client, offset: this.#arrived, size: screen.size() }),
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

  /** Types. What cannot be typed now is refused, and that is to be seen: nothing is kept for later. */
  type(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { phase, drives, info } = this.#state;
    if (phase !== 'attached' || !drives || info?.state !== 'open') {
      this.#update({ refusals: this.#state.refusals + 1 });
      return;
    }
    // What one event of the page causes goes together.
    if (this.#gathered.length === 0) queueMicrotask(() => this.#gather());
    this.#gathered.push(bytes);
  }

  resize(size: TerminalSize): void {
    if (this.#state.drives) this.#say({ kind: 'resize', size });
  }

  takeOver(): void {
    const size = this.#screen.size() ?? this.#state.info?.size;
    if (size) this.#say({ kind: 'take-over', size });
  }

  /** It is not idle, though nothing happens in it. */
  keep(): void {
    this.#say({ kind: 'keep' });
  }

  /** Its sandbox is there again, or gone for good: the server had better look. */
  reconnect(): void {
    this.#say({ kind: 'reconnect' });
  }

  /** What was said of the connection has been read. */
  dismissNews(): void {
    this.#update({ returned: null, lostInput: null });
  }

  leave(): void {
    this.#leave();
    this.#listeners.clear();
  }

  #say(message: ConsoleMessage): void {
    this.#socket.say(this.#place, message);
  }

  #gather(): void {
    const pieces = this.#gathered;
    this.#gathered = [];
    const whole = joined(pieces);
    for (let at = 0; at < whole.length; at += MAX_INPUT_BYTES)
      this.#waiting.push(whole.subarray(at, at + MAX_INPUT_BYTES));
    this.#flush();
  }

  #flush(): void {
    let sent = this.#underWay.reduce((sum, { size }) => sum + size, 0);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (sent > 0 && sent + next.length > INPUT_WINDOW_BYTES) return;
      const seq = this.#seq + 1;
      if (!this.#socket.sendBytes(this.#place, packInput({ seq, after: this.#refusals, bytes: next })))
        return;
      this.#seq = seq;
      this.#underWay.push({ seq, size: next.length });
      this.#waiting.shift();
      sent += next.length;
    }
  }

  #receive(frame: Uint8Array): void {
    const output = unpackOutput(frame);
    if (output === null || this.#state.phase === 'waiting') return;
    const known = this.#arrived - output.offset;
    // Ahead of us something is missing; what we have already is not drawn twice.
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
    this.#say({ kind: 'ack', offset: end });
  }

  #hear(event: ConsoleEvent): void {
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
      lostInput: bytes > 0 ? { bytes, why: 'connection' } : this.#state.lostInput,
    });
  }

  #skip({ from, missing, preamble }: Gap): void {
    // From the very beginning there is nothing on the screen that could have a gap; the modes are needed all the same.
    if (missing > 0) {
      const acknowledge = () => this.#say({ kind: 'ack', offset: from });
      this.#screen.skip(this.#arrived === 0 ? 0 : missing, preamble, acknowledge);
    }
    // What arrived meanwhile over a place that was joined anew is on the screen already.
    this.#arrived = Math.max(this.#arrived, from);
    this.#acknowledged = from;
  }

  #refuse({ seq: refused, why, refusals }: Extract<ConsoleEvent, { kind: 'refused' }>): void {
    this.#refusals = refusals;
    const lost = this.#underWay.filter(({ seq }) => seq === refused);
    this.#underWay = this.#underWay.filter(({ seq }) => seq !== refused);
    const bytes = lost.reduce((sum, { size }) => sum + size, 0) + (this.#state.lostInput?.bytes ?? 0);
    this.#waiting = [];
    this.#update({ lostInput: { bytes, why }, refusals: this.#state.refusals + 1 });
  }

  #beginReplay(end: number): void {
    this.#replayUntil = end;
    this.#screen.setReplaying(true);
  }

  #endReplay(): void {
    this.#replayUntil = null;
    this.#screen.setReplaying(false);
  }

  #lose(): void {
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

function joined(pieces: readonly Uint8Array[]): Uint8Array {
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
