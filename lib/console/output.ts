import 'server-only';
import { ModeTracker } from './modes';
import { OutputRing } from './ring';

const RING_BYTES = 1_500_000;

/** The output of a shell: the latest bytes, and the terminal modes that all of it has set. */
export class ConsoleOutput {
  readonly #current = new ModeTracker();
  readonly #dropped = new ModeTracker();
  readonly ring = new OutputRing(RING_BYTES, (bytes) => void this.#dropped.feed(bytes));

  /** Returns whether the shell may have printed a prompt. */
  append(bytes: Uint8Array): boolean {
    this.ring.append(bytes);
    return this.#current.feed(bytes);
  }

  /** Sets the modes that apply at the start of the ring. */
  preamble(): string {
    return this.#dropped.preamble();
  }

  get modes(): Pick<ModeTracker, 'isAlternateScreen' | 'hasProgramModes' | 'restoration'> {
    return this.#current;
  }
}
