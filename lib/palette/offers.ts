/** Under which heading a command stands, in this order. */
export const COMMAND_GROUPS = ['selection', 'sandbox', 'go', 'filter', 'app', 'search'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

/** Something that can be done from the command palette. */
export type Command = {
  /** The same for as long as it means the same. */
  id: string;
  group: CommandGroup;
  title: string;
  /** Further words by which it is found. */
  words?: string;
  /** Keys that do the same without the palette. */
  keys?: string;
  tone?: 'danger';
  /** Why it cannot be done now; shown instead of hiding it. */
  disabledReason?: string | null;
  onRun: () => void;
};

type Offer = () => readonly Command[];

/**
 * What pages offer to the command palette. They hand over a function that is asked whenever the palette shows anything,
 * so that offering costs nothing while it is closed.
 */
export class CommandOffers {
  readonly #listeners = new Set<() => void>();
  readonly #offers = new Set<Offer>();
  #version = 0;

  /** Offers what `offer` answers, until the answered function is called. */
  add(offer: Offer): () => void {
    this.#offers.add(offer);
    this.changed();
    return () => {
      this.#offers.delete(offer);
      this.changed();
    };
  }

  /** Whoever offers something may now answer something else. */
  changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Another number whenever `all` may answer something else. */
  readonly version = (): number => this.#version;

  /** All that is offered at this moment. */
  all(): Command[] {
    return [...this.#offers].flatMap((offer) => offer());
  }
}

let tabOffers: CommandOffers | null = null;

/** What is offered in this tab. In the browser only. */
export function commandOffers(): CommandOffers {
  tabOffers ??= new CommandOffers();
  return tabOffers;
}
