const DISMISSED = 'sandkeeper.dismissed';
const SHOWN = 'sandkeeper.shown-results';
const MAX_KEPT = 50;

class TrayMemory {
  readonly #listeners = new Set<() => void>();
  #dismissed: ReadonlySet<string> = new Set(readIds(DISMISSED));
  readonly #shownBefore: ReadonlySet<string> = new Set(readIds(SHOWN));
  readonly #shown = new Set(this.#shownBefore);
  #stopping: ReadonlySet<string> = new Set();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Ids of dismissed operations. A new set on every change. */
  readonly dismissed = (): ReadonlySet<string> => this.#dismissed;

  /** Ids of operations that this tab has asked to stop. A new set on every change. */
  readonly stopping = (): ReadonlySet<string> => this.#stopping;

  /** Dismisses a result. Survives a reload. */
  dismiss(operationId: string): void {
    if (this.#dismissed.has(operationId)) return;
    this.#dismissed = new Set([...this.#dismissed, operationId].slice(-MAX_KEPT));
    keepIds(DISMISSED, [...this.#dismissed]);
    this.#announce();
  }

  /** Whether the result was shown before the page was loaded. */
  wasShown(operationId: string): boolean {
    return this.#shownBefore.has(operationId);
  }

  /** Remembers that a result was shown. */
  noteShown(operationId: string): void {
    if (this.#shown.has(operationId)) return;
    this.#shown.add(operationId);
    keepIds(SHOWN, [...this.#shown].slice(-MAX_KEPT));
  }

  setStopping(operationId: string, isStopping: boolean): void {
    const stopping = new Set(this.#stopping);
    if (isStopping) stopping.add(operationId);
    else stopping.delete(operationId);
    this.#stopping = stopping;
    this.#announce();
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}

function readIds(key: string): string[] {
  try {
    return (sessionStorage.getItem(key) ?? '').split(' ').filter((id) => id !== '');
  } catch {
    // Storage may be blocked. Then a reload shows dismissed results again.
    return [];
  }
}

function keepIds(key: string, ids: readonly string[]): void {
  try {
    sessionStorage.setItem(key, ids.join(' '));
  } catch {
    // Storage may be blocked.
  }
}

let tabMemory: TrayMemory | null = null;

/** The memory of this tab. Browser only. */
export function trayMemory(): TrayMemory {
  tabMemory ??= new TrayMemory();
  return tabMemory;
}
