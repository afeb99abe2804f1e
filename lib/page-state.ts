/**
 * Whether this page can still work with its server: the session may have ended, and the server may have been updated
 * since the page was loaded. Shared with the other tabs of the same browser. Browser only.
 */

export type PageState = {
  /** `ended`: the server no longer accepts this session. `left`: the person signed out in one of the tabs. */
  readonly session: 'valid' | 'ended' | 'left';
  /** The server runs another build than the one this page was loaded from. */
  readonly isOutdated: boolean;
};

type Message = 'ended' | 'restored' | 'leaving' | 'stayed';
type Channel = Pick<BroadcastChannel, 'postMessage' | 'addEventListener'>;

export const USABLE: PageState = { session: 'valid', isOutdated: false };

export class PageStatus {
  readonly #listeners = new Set<() => void>();
  readonly #restored = new Set<() => void>();
  readonly #channel: Channel | null;
  readonly #verify: () => void;
  #state = USABLE;
  #ownBuild: string | null = null;
  #serverBuild: string | null = null;
  /** Where the person is signing out. */
  #leaving: 'here' | 'elsewhere' | null = null;

  /** `channel` reaches the other tabs. `verify` asks the server about the session. */
  constructor(channel: Channel | null, verify: (page: PageStatus) => void = () => {}) {
    this.#channel = channel;
    this.#verify = () => {
      if (this.#state.session === 'ended') verify(this);
    };
    channel?.addEventListener('message', ({ data }: MessageEvent) => this.#hear(data as Message));
  }

  /** For `useSyncExternalStore`. */
  readonly state = (): PageState => this.#state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls `listener` whenever the person has signed in again, in this tab or another one, or has another role. */
  onRestored(listener: () => void): () => void {
    this.#restored.add(listener);
    return () => this.#restored.delete(listener);
  }

  /** Sets the build that this page was loaded from. Only the first call counts: the code of the page stays. */
  loadedFrom(build: string): void {
    this.#ownBuild ??= build;
    this.#compareBuilds();
  }

  /** Sets the build that the server runs. */
  sawBuild(build: string): void {
    this.#serverBuild = build;
    this.#compareBuilds();
  }

  /** The server did not know code or an action of this page. */
  foundOutdated(): void {
    this.#update({ isOutdated: true });
  }

  /** The server refused the session. */
  sessionEnded(): void {
    if (this.#state.session !== 'valid') return;
    this.#end();
    this.#channel?.postMessage('ended' satisfies Message);
  }

  /** The session is valid. Tells the tabs whose session has ended. */
  sessionIsValid(): void {
    const wasValid = this.#state.session === 'valid';
    this.#update({ session: 'valid' });
    this.#channel?.postMessage('restored' satisfies Message);
    if (wasValid) return;
    this.#leaving = null;
    for (const listener of this.#restored) listener();
  }

  /** The session is valid, but what it may do has changed. */
  sessionChanged(): void {
    for (const listener of this.#restored) listener();
  }

  /** Whether the person is signing out in this tab. */
  isLeaving(): boolean {
    return this.#leaving === 'here';
  }

  /** The person is signing out. When the session then ends, every tab leaves instead of asking for a sign-in. */
  leaving(): void {
    this.#channel?.postMessage('leaving' satisfies Message);
    this.#leaving = 'here';
  }

  /** Signing out failed. */
  stayed(): void {
    this.#channel?.postMessage('stayed' satisfies Message);
    this.#leaving = null;
  }

  #compareBuilds(): void {
    if (this.#ownBuild === null || this.#serverBuild === null) return;
    this.#update({ isOutdated: this.#ownBuild !== this.#serverBuild });
  }

  #hear(message: Message): void {
    // Another tab may have signed in as before this session ended.
    if (message === 'restored') this.#verify();
    else if (message === 'ended') this.#end();
    else this.#leaving = message === 'leaving' ? 'elsewhere' : null;
  }

  /** The tab that is signing out leaves by itself, after the answer that removes its cookie. */
  #end(): void {
    if (this.#leaving !== 'here') this.#update({ session: this.#leaving === null ? 'ended' : 'left' });
  }

  #update(change: Partial<PageState>): void {
    const next = { ...this.#state, ...change };
    if (next.session === this.#state.session && next.isOutdated === this.#state.isOutdated) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}

let tabStatus: PageStatus | null = null;

/** The status of this tab. */
export function pageStatus(): PageStatus {
  tabStatus ??= new PageStatus(
    typeof window === 'undefined' || typeof BroadcastChannel === 'undefined'
      ? null
      : new BroadcastChannel('sandkeeper'),
    (page) => void checkPage(page),
  );
  return tabStatus;
}

/** How long to wait for an answer, ms. */
const ANSWERS_WITHIN_MS = 5_000;

/** Asks the server whether the session is valid and which build it runs. Returns whether it answered in time. */
export async function checkPage(page = pageStatus(), withinMs = ANSWERS_WITHIN_MS): Promise<boolean> {
  const signal = AbortSignal.timeout(withinMs);
  const response = await fetch('/api/session', { cache: 'no-store', signal }).catch(() => null);
  if (response === null) return false;
  if (response.status === 401) page.sessionEnded();
  if (response.ok && page.state().session === 'ended') page.sessionIsValid();
  const build: unknown = response.ok ? await response.json().then(buildIn, () => null) : null;
  if (typeof build === 'string') page.sawBuild(build);
  return response.ok || response.status === 401;
}

function buildIn(answer: { build?: unknown }): unknown {
  return answer.build;
}
