/** The groups of commands, in the order shown. */
export const COMMAND_GROUPS = ['selection', 'sandbox', 'page', 'go', 'filter', 'app', 'search'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export type Command = {
  /** Stable for as long as the command means the same. */
  id: string;
  group: CommandGroup;
  title: string;
  /** Additional search words. */
  words?: string;
  /** The keyboard shortcut. */
  keys?: string;
  tone?: 'danger';
  /** The reason that it is unavailable. Shown next to the title. */
  disabledReason?: string | null;
  /** Not offered again among the recent commands. */
  isRare?: true;
  onRun: () => void;
};

/** The reason that a command is unavailable, or `null`. */
export function unavailableReason({ disabledReason }: Command): string | null {
  return disabledReason ?? null;
}

type Offer = () => readonly Command[];

/** The commands that pages add to the palette. Pages pass a function, which runs only while the palette is open. */
export class CommandOffers {
  readonly #listeners = new Set<() => void>();
  #offers: readonly Offer[] = [];
  #version = 0;

  /** Adds the commands of `offer`, before all others if `isFirst`. Returns a function that removes them. */
  add(offer: Offer, isFirst = false): () => void {
    this.#offers = isFirst ? [offer, ...this.#offers] : [...this.#offers, offer];
    this.changed();
    return () => {
      this.#offers = this.#offers.filter((other) => other !== offer);
      this.changed();
    };
  }

  /** Notifies listeners that an offer may return other commands. */
  changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Changes whenever `all` may return other commands. */
  readonly version = (): number => this.#version;

  all(): Command[] {
    return this.#offers.flatMap((offer) => offer());
  }
}

let tabOffers: CommandOffers | null = null;

/** The offers in this tab. Only in the browser. */
export function commandOffers(): CommandOffers {
  tabOffers ??= new CommandOffers();
  return tabOffers;
}
