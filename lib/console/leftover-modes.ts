import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Foreground } from './foreground';

type Options = {
  /** Whether modes apply that only a program sets. */
  isSet: () => boolean;
  readForeground: () => Promise<Foreground>;
  /** Called when the modes apply although no program is left. */
  onLeftover: () => void;
};

/** The reason to look. `prompt`: the shell may have printed a prompt. `input`: the mouse or the focus was reported. */
type Cause = 'prompt' | 'input' | 'attach' | 'output';

/** The waits before each check, ms. A program may still be ending at the first one. */
const WAITS_MS = {
  prompt: [300, 1_000, 3_000],
  input: [300],
  attach: [0],
  output: [300],
} satisfies Record<Cause, readonly number[]>;
/** The shortest time since the last check, ms. Each check starts a process in the sandbox. */
const MIN_GAP_MS = { prompt: 0, input: 2_000, attach: 1_000, output: 10_000 } satisfies Record<Cause, number>;
/** The time for the last output of a program to arrive, ms. */
const SETTLE_MS = 200;

/**
 * Notices terminal modes that a program has left behind, for example because a signal killed it. The output does not tell:
 * the modes are left behind if they still apply when the shell itself has the terminal.
 */
export class LeftoverModes {
  readonly #options: Options;
  #isChecking = false;
  #mustRepeat = false;
  #checkedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Checks soon, unless no modes apply or a check was made just before. */
  check(cause: Cause): void {
    if (!this.#options.isSet()) return;
    if (this.#isChecking) this.#mustRepeat ||= cause === 'prompt';
    else if (performance.now() - this.#checkedAtMs >= MIN_GAP_MS[cause]) void this.#run(WAITS_MS[cause]);
  }

  async #run(waitsMs: readonly number[]): Promise<void> {
    const { isSet, readForeground, onLeftover } = this.#options;
    this.#isChecking = true;
    for (const waitMs of waitsMs) {
      await sleep(waitMs, undefined, { ref: false });
      if (!isSet()) break;
      const { kind } = await readForeground().catch(() => ({ kind: 'unknown' }));
      if (kind !== 'shell') continue;
      await sleep(SETTLE_MS, undefined, { ref: false });
      if (isSet()) onLeftover();
      break;
    }
    this.#isChecking = false;
    this.#checkedAtMs = performance.now();
    const mustRepeat = this.#mustRepeat;
    this.#mustRepeat = false;
    if (mustRepeat) this.check('prompt');
  }
}

/** Matches reports of the mouse and of the focus, which no person types. */
const REPORT = new RegExp(`${String.fromCharCode(27)}\\[(?:<\\d|M|[IO])`);

/** Whether input contains a report of the mouse or of the focus. */
export function isReport(bytes: Uint8Array): boolean {
  return REPORT.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'));
}
