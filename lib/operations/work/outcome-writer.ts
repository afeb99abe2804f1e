import 'server-only';
import { type NewOutcome, recordOutcomes } from '../record/claims';

const FLUSH_EVERY_MS = 10;
const RETRY_MS = 1_000;

/**
 * Writes outcomes in batches, so that a fast operation does not wait for the disk once per sandbox. Retries a batch
 * until it is written.
 */
export class OutcomeWriter {
  readonly #owner: string;
  readonly #onWritten: (outcomes: readonly NewOutcome[]) => void;
  #waiting: NewOutcome[] = [];
  #writing: Promise<void> | null = null;
  #isClosed = false;

  constructor(owner: string, onWritten: (outcomes: readonly NewOutcome[]) => void) {
    this.#owner = owner;
    this.#onWritten = onWritten;
  }

  add(outcome: NewOutcome): void {
    this.#waiting.push(outcome);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when all outcomes are written, or when a write fails: it is not retried. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await wait(FLUSH_EVERY_MS);
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await recordOutcomes(this.#owner, batch);
        this.#onWritten(batch);
      } catch (error) {
        console.error('Outcomes could not be recorded:', error);
        if (this.#isClosed) return;
        this.#waiting.unshift(...batch);
        await wait(RETRY_MS);
      }
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
