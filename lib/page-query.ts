/**
 * The query of the page's URL as state of the page. A change shows at once. It reaches the address bar before the person
 * leaves the page or not at all: the router takes a later write for a newer navigation and drops the one under way.
 * Browser only. docs/decisions/own-query-state.md
 */

/** Values by key. `null` removes the key from the query. */
export type QueryChanges = Readonly<Record<string, string | null>>;
export type WriteOptions = {
  /** Whether the write adds a history entry. */
  history: 'replace' | 'push';
  /** Waits this long for more changes, ms. */
  delayMs: number;
};

/** The location and history of a window, as the router sees them. */
export type AddressBar = {
  url: () => URL;
  write: (href: string, history: WriteOptions['history']) => void;
};

/** The shortest time between two writes, ms. Browsers refuse more than 100 in 30 s, and the router adds its own. */
const MIN_GAP_MS = 150;

const NONE: QueryChanges = {};

export class PageQuery {
  readonly #bar: AddressBar;
  readonly #listeners = new Set<() => void>();
  /** The page of the changes. */
  #path = '';
  /** The changes that the router does not show yet, written or not. */
  #changes = NONE;
  readonly #unwritten = new Set<string>();
  #history: WriteOptions['history'] = 'replace';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  /** The router's work so far: how often it began, and which was the latest to end. */
  #begun = 0;
  #ended = 0;
  #isLeaving = false;
  #onBegin: (work: number) => void = () => {};

  constructor(bar: AddressBar) {
    this.#bar = bar;
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The changes of the page at `path` that the router does not show yet. The same object until they change. */
  changesOf(path: string): QueryChanges {
    return path === this.#path ? this.#changes : NONE;
  }

  /** Changes the query of the page at `path`. Does nothing once another page is shown. */
  set(path: string, changes: QueryChanges, { history, delayMs }: WriteOptions): void {
    if (this.#bar.url().pathname !== path) return;
    if (path !== this.#path) this.#drop();
    this.#path = path;
    this.#show({ ...this.#changes, ...changes });
    for (const key of Object.keys(changes)) this.#unwritten.add(key);
    if (history === 'push') this.#history = 'push';
    if (this.#isBusy()) return;
    if (history === 'push') this.#write();
    else this.#writeIn(delayMs);
  }

  /** Writes at once what waits to be written, because the page is about to be loaded again. */
  flush(): void {
    this.#write();
  }

  /** Calls `onBegin` when the router begins its work, which has to call `workEnded` with the same number. */
  watchWork(onBegin: (work: number) => void): () => void {
    this.#onBegin = onBegin;
    if (this.#isBusy()) onBegin(this.#begun);
    return () => {
      this.#onBegin = () => {};
    };
  }

  /** The person leaves for another URL. `traverse`: by Back or Forward, so that the address bar already shows it. */
  navigationBegan(kind: 'push' | 'replace' | 'traverse'): void {
    if (kind === 'traverse') this.#drop();
    else this.#write();
    this.#isLeaving = true;
    this.#begin();
  }

  /** The router reads the page again. It would drop the answer for a write meanwhile, so writes wait. */
  refreshBegan(): void {
    this.#begin();
  }

  workEnded(work: number): void {
    this.#ended = Math.max(this.#ended, work);
    if (this.#isBusy()) return;
    const hasLeft = this.#isLeaving;
    this.#isLeaving = false;
    if (hasLeft) this.#drop();
    else this.#writeIn(0);
  }

  /** The router shows `query` for the page at `path`. */
  routerShows(path: string, query: URLSearchParams): void {
    if (path !== this.#path) return;
    const { searchParams } = this.#bar.url();
    const isOpen = ([key, value]: [string, string | null]) =>
      query.get(key) !== value && (this.#unwritten.has(key) || searchParams.get(key) === value);
    const open = Object.entries(this.#changes).filter(isOpen);
    if (open.length < Object.keys(this.#changes).length) this.#show(Object.fromEntries(open));
  }

  #isBusy(): boolean {
    return this.#ended < this.#begun;
  }

  #begin(): void {
    this.#begun += 1;
    clearTimeout(this.#timer);
    this.#onBegin(this.#begun);
  }

  #writeIn(delayMs: number): void {
    const waitMs = Math.max(delayMs, this.#writtenAtMs + MIN_GAP_MS - performance.now());
    clearTimeout(this.#timer);
    if (waitMs <= 0) this.#write();
    else this.#timer = setTimeout(() => this.#write(), waitMs);
  }

  #write(): void {
    clearTimeout(this.#timer);
    const url = this.#bar.url();
    const history = this.#history;
    const keys = [...this.#unwritten];
    this.#unwritten.clear();
    this.#history = 'replace';
    if (keys.length === 0 || url.pathname !== this.#path) return;
    for (const key of keys) {
      const value = this.#changes[key] ?? null;
      if (value === null) url.searchParams.delete(key);
      else url.searchParams.set(key, value);
    }
    url.search = printQuery(url.searchParams);
    if (url.href === this.#bar.url().href) return;
    this.#writtenAtMs = performance.now();
    this.#bar.write(url.href, history);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#unwritten.clear();
    this.#history = 'replace';
    if (this.#changes !== NONE) this.#show(NONE);
  }

  #show(changes: QueryChanges): void {
    this.#changes = changes;
    for (const listener of this.#listeners) listener();
  }
}

/** Characters that queries may hold as they are, so that a filter or a path in a link stays legible. */
const LEGIBLE = /%(2F|3A|3D|2C|40|3B|24)/g;

function printQuery(query: URLSearchParams): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return [...query]
    .map(([key, value]) => `${encode(key)}=${encode(value).replaceAll(LEGIBLE, decodeURIComponent)}`)
    .join('&');
}

let tabQuery: PageQuery | null = null;

/** The query of this tab. */
export function pageQuery(): PageQuery {
  tabQuery ??= new PageQuery({
    url: () => new URL(window.location.href),
    write: (href, history) =>
      history === 'push'
        ? window.history.pushState(null, '', href)
        : window.history.replaceState(null, '', href),
  });
  return tabQuery;
}
