import 'server-only';
import { singleton } from '../../../singleton';
import { type ArchiveCount, type ArchiveEvent, isArchiveToken } from './schema';

type Tell = (event: ArchiveEvent) => void;

/** How often is told how far an archive is, ms. */
const TELL_EVERY_MS = 500;
/** How long it is known how one has ended, for whoever asks late, ms. */
const KEPT_MS = 60_000;

type Following = { event: () => ArchiveEvent; isOver: boolean };

/**
 * How far the archives are that are being sent, by a token that the browser which fetches it has made up: a download of
 * the browser's own tells the page nothing.
 */
export class ArchiveProgress {
  readonly #followed = new Map<string, Following>();
  readonly #listeners = new Map<string, Set<Tell>>();

  /**
   * Makes an archive known under `token`, nothing for `null` or nonsense. The answered functions say what goes into it,
   * as soon as that is known, and how it has ended, `failure` being for people.
   */
  begin(token: string | null): {
    counts: (count: ArchiveCount) => void;
    ends: (failure: string | null) => void;
  } {
    if (!isArchiveToken(token) || this.#followed.has(token)) return { counts: () => {}, ends: () => {} };
    let count: ArchiveCount | null = null;
    const following: Following = {
      event: () => ({ kind: 'progress', count: count && { ...count } }),
      isOver: false,
    };
    this.#followed.set(token, following);
    const timer = setInterval(() => this.#tell(token), TELL_EVERY_MS);
    return {
      counts: (known) => {
        count = known;
      },
      ends: (failure) => {
        if (following.isOver) return;
        following.isOver = true;
        clearInterval(timer);
        following.event = () => ({ kind: 'ended', count: count && { ...count }, failure });
        this.#tell(token);
        setTimeout(() => this.#followed.delete(token), KEPT_MS).unref();
      },
    };
  }

  /** Tells how far the archive of `token` is, from when it begins, until the answered function is called. */
  listen(token: string, tell: Tell): () => void {
    const listeners = this.#listeners.get(token) ?? new Set();
    this.#listeners.set(token, listeners.add(tell));
    const following = this.#followed.get(token);
    if (following) tell(following.event());
    return () => {
      listeners.delete(tell);
      if (listeners.size === 0) this.#listeners.delete(token);
    };
  }

  #tell(token: string): void {
    const event = this.#followed.get(token)?.event();
    if (event) for (const tell of this.#listeners.get(token) ?? []) tell(event);
  }
}

/** The archives of this process. */
export function archiveProgress(): ArchiveProgress {
  return singleton('archive-progress', () => new ArchiveProgress());
}
