import 'server-only';
import {
  type ConsoleEvent,
  type ConsoleMessage,
  MAX_OUTPUT_BYTES,
  packOutput,
  WINDOW_BYTES,
} from './protocol';
import type { OutputRing } from './ring';
import type { TerminalSize } from './schema';

/** What one attached tab is told, and by whose socket. */
export type ViewerDoor = {
  send: (event: ConsoleEvent) => void;
  sendBytes: (bytes: Uint8Array) => void;
  /** Whether its session still holds; closes its socket if not. */
  recheck: () => Promise<boolean>;
};

/** Who looks: a person, and one tab of theirs. */
export type ViewerWho = { actor: string; sessionId: string; client: string };

/** One that stopped drawing for this long no longer holds anything back. */
const STALLED_AFTER_MS = 10_000;

/** A tab that shows a console: how far its output has been sent and drawn. */
export class Viewer {
  readonly #ring: OutputRing;
  readonly #preamble: () => string;
  readonly #now: () => number;
  #sent = 0;
  #drawn = 0;
  /** Since when its window is full; `null` while there is room. */
  #fullSinceMs: number | null = null;

  constructor(
    readonly who: ViewerWho,
    readonly door: ViewerDoor,
    ring: OutputRing,
    preamble: () => string,
    now: () => number,
  ) {
    this.#ring = ring;
    this.#preamble = preamble;
    this.#now = now;
  }

  /** Begins where the tab is, or where the ring does. `input`: what became of that of this tab so far. */
  begin(offset: number, input: { typed: number; refusals: number }): void {
    // From another console's numbers, or from the future: all that is there.
    const asked = offset > this.#ring.end ? 0 : offset;
    const from = Math.max(asked, this.#ring.start);
    this.#sent = from;
    this.#drawn = from;
    this.door.send({
      kind: 'attached',
      from,
      missing: from - asked,
      preamble: from === asked ? '' : this.#preamble(),
      end: this.#ring.end,
      ...input,
    });
    this.pump();
  }

  /** Sends what there is and the window allows. One that draws nothing gets nothing more, however much it misses. */
  pump(): void {
    while (this.#sent < this.#ring.end) {
      const room = WINDOW_BYTES - (this.#sent - this.#drawn);
      if (room <= 0) {
        this.#fullSinceMs ??= this.#now();
        return;
      }
      if (this.#sent < this.#ring.start) this.#skip();
      const bytes = this.#ring.read(this.#sent, Math.min(room, MAX_OUTPUT_BYTES));
      this.door.sendBytes(packOutput(this.#sent, bytes));
      this.#sent += bytes.length;
    }
  }

  /** Takes its word that everything before `offset` is drawn. */
  acknowledge(offset: number): void {
    if (offset <= this.#drawn || offset > this.#sent) return;
    this.#drawn = offset;
    this.#fullSinceMs = null;
    this.pump();
  }

  /** How much of the output it has not drawn yet, bytes. */
  get lag(): number {
    return this.#ring.end - this.#drawn;
  }

  /** How long it will still be waited for, ms; 0 or less: it has stopped drawing and holds nothing back. */
  get patienceMs(): number {
    return this.#fullSinceMs === null ? STALLED_AFTER_MS : this.#fullSinceMs + STALLED_AFTER_MS - this.#now();
  }

  /** What is under way stays under way: it acknowledges that, and where the gap ends, when it has drawn it. */
  #skip(): void {
    const missing = this.#ring.start - this.#sent;
    this.#sent += missing;
    this.#drawn += missing;
    this.door.send({ kind: 'gap', from: this.#sent, missing, preamble: this.#preamble() });
  }
}

/** What a tab that is attached can do. */
export type Attachment = {
  leave: () => void;
  onBytes: (frame: Uint8Array) => void;
  onMessage: (message: Exclude<ConsoleMessage, { kind: 'take-over' }>) => void;
  /** From now on this tab types, and the console belongs to who sits before it. */
  takeOver: (size: TerminalSize) => void;
};
