import 'server-only';
import type { ConsoleInput, Refusal } from './protocol';

const MAX_TABS = 32;

/** The input of one tab, over all its connections. */
type TabInput = {
  /** The number of the last accepted input. */
  typed: number;
  /** How many inputs were refused for their own reason, and the last reason. */
  refusals: number;
  reason: Refusal;
};

/**
 * Tracks which input of each tab was accepted or refused. Input that a tab sent before it knew of a refusal is refused
 * too, because it was meant to follow the refused input.
 */
export class TabInputs {
  readonly #byClient = new Map<string, TabInput>();

  typed(client: string): number {
    return this.#byClient.get(client)?.typed ?? 0;
  }

  refusals(client: string): number {
    return this.#byClient.get(client)?.refusals ?? 0;
  }

  recordTyped(client: string, seq: number): void {
    this.#of(client).typed = seq;
  }

  recordRefused(client: string, reason: Refusal): void {
    const tab = this.#of(client);
    tab.refusals += 1;
    tab.reason = reason;
  }

  /** The reason of an earlier refusal that the tab did not know of; `null` if it knew of all. */
  earlierRefusal(client: string, { after }: ConsoleInput): Refusal | null {
    const { refusals, reason } = this.#byClient.get(client) ?? { refusals: 0, reason: 'failed' };
    return after === refusals ? null : reason;
  }

  #of(client: string): TabInput {
    const tab = this.#byClient.get(client) ?? { typed: 0, refusals: 0, reason: 'failed' };
    this.#byClient.delete(client);
    this.#byClient.set(client, tab);
    const [oldest] = this.#byClient.keys();
    if (this.#byClient.size > MAX_TABS && oldest !== undefined) this.#byClient.delete(oldest);
    return tab;
  }
}
