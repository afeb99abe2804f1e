import 'server-only';
import type { ConsoleOutput } from './output';
import {
  type ConsoleEvent,
  type ConsoleMessage,
  MAX_OUTPUT_BYTES,
  packOutput,
  WINDOW_BYTES,
} from './protocol';
import type { OutputRing } from './ring';
import type { TerminalSize } from './schema';

/** The connection to one attached tab. */
export type ViewerSocket = {
  send: (event: ConsoleEvent) => void;
  sendBytes: (bytes: Uint8Array) => void;
  /** Whether the session is still valid. Closes the socket if it is not. */
  recheck: () => Promise<boolean>;
};

/** A person, and one of their tabs. */
export type ViewerIdentity = { userId: string; actor: string; sessionId: string; client: string };

/** A viewer that has drawn nothing for this long no longer delays the shell. */
const STALLED_AFTER_MS = 10_000;

/** A tab that shows a console: how far its output has been sent and drawn. */
export class Viewer {
  readonly #ring: OutputRing;
  readonly #preamble: () => string;
  readonly #now: () => number;
  #sent = 0;
  #drawn = 0;
  /** When its window became full; `null` while it has room. */
  #fullSinceMs: number | null = null;

  constructor(
    readonly identity: ViewerIdentity,
    readonly socket: ViewerSocket,
    output: ConsoleOutput,
    now: () => number,
  ) {
    this.#ring = output.ring;
    this.#preamble = () => output.preamble();
    this.#now = now;
  }

  /** Starts at the tab's offset, or at the start of the ring. `input` is the state of the tab's input so far. */
  begin(offset: number, input: { typed: number; refusals: number }): void {
    // An offset beyond the end is invalid, so send everything.
    const requested = offset > this.#ring.end ? 0 : offset;
    const from = Math.max(requested, this.#ring.start);
    this.#sent = from;
    this.#drawn = from;
    this.socket.send({
      kind: 'attached',
      from,
      missing: from - requested,
      preamble: from === requested ? '' : this.#preamble(),
      end: this.#ring.end,
      ...input,
    });
    this.pump();
  }

  /** Sends new output as far as the window allows. */
  pump(): void {
    while (this.#sent < this.#ring.end) {
      const room = WINDOW_BYTES - (this.#sent - this.#drawn);
      if (room <= 0) {
        this.#fullSinceMs ??= this.#now();
        return;
      }
      if (this.#sent < this.#ring.start) this.#skip();
      const bytes = this.#ring.read(this.#sent, Math.min(room, MAX_OUTPUT_BYTES));
      this.socket.sendBytes(packOutput(this.#sent, bytes));
      this.#sent += bytes.length;
    }
  }

  /** The tab has drawn everything before `offset`. */
  acknowledge(offset: number): void {
    if (offset <= this.#drawn || offset > this.#sent) return;
    this.#drawn = offset;
    this.#fullSinceMs = null;
    this.pump();
  }

  /** The output that it has not drawn yet, bytes. */
  get lag(): number {
    return this.#ring.end - this.#drawn;
  }

  /** The time until it counts as stalled, ms; 0 or less if it already does. */
  get stallsInMs(): number {
    return this.#fullSinceMs === null ? STALLED_AFTER_MS : this.#fullSinceMs + STALLED_AFTER_MS - this.#now();
  }

  /** Output under way is not counted as drawn: the tab acknowledges it, and the end of the gap, after drawing. */
  #skip(): void {
    const missing = this.#ring.start - this.#sent;
    this.#sent += missing;
    this.#drawn += missing;
    this.socket.send({ kind: 'gap', from: this.#sent, missing, preamble: this.#preamble() });
  }
}

/** The actions of an attached tab. */
export type Attachment = {
  leave: () => void;
  onBytes: (frame: Uint8Array) => void;
  onMessage: (message: Exclude<ConsoleMessage, { kind: 'take-over' }>) => void;
  /** Makes this tab the one that types, and its person the owner. */
  takeOver: (size: TerminalSize) => void;
};
