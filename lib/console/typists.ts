import 'server-only';
import type { ConsoleInput, Refusal } from './protocol';

/** Tabs that are remembered. */
const MAX_CLIENTS = 32;

/** What is known of the input of one tab, over all its connections. */
type Typist = {
  /** The last of its inputs that was taken. */
  typed: number;
  /** How often one was refused for a reason of its own, and the last reason. */
  refusals: number;
  why: Refusal;
};

/**
 * What was taken and refused of each tab. A refusal counts until its tab has heard of it: whatever was sent before that was
 * meant to come behind what was refused, and must not be typed without it.
 */
export class Typists {
  readonly #byClient = new Map<string, Typist>();

  typed(client: string): number {
    return this.#byClient.get(client)?.typed ?? 0;
  }

  refusals(client: string): number {
    return this.#byClient.get(client)?.refusals ?? 0;
  }

  noteTyped(client: string, seq: number): void {
    this.#of(client).typed = seq;
  }

  noteRefused(client: string, why: Refusal): void {
    const typist = this.#of(client);
    typist.refusals += 1;
    typist.why = why;
  }

  /** Why input must go the way of what was refused before it; `null` where its tab knows of all that was. */
  misled(client: string, { after }: ConsoleInput): Refusal | null {
    const { refusals, why } = this.#byClient.get(client) ?? { refusals: 0, why: 'failed' };
    return after === refusals ? null : why;
  }

  #of(client: string): Typist {
    const typist = this.#byClient.get(client) ?? { typed: 0, refusals: 0, why: 'failed' };
    this.#byClient.delete(client);
    this.#byClient.set(client, typist);
    const [oldest] = this.#byClient.keys();
    if (this.#byClient.size > MAX_CLIENTS && oldest !== undefined) this.#byClient.delete(oldest);
    return typist;
  }
}
