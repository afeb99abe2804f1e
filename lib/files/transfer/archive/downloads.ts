import type { FolderSize } from '../../schema';
import { type ArchiveCount, type ArchiveEvent, newArchiveToken } from './schema';

/** The archives that this tab has asked for: the browser's own download fetches them, and the server says how far they are. */

export type ArchiveDownload = {
  readonly token: string;
  readonly sandboxId: string;
  readonly name: string;
  /** What was counted before. */
  readonly total: FolderSize | null;
  readonly count: ArchiveCount | null;
  readonly state: 'asked' | 'sending' | 'sent' | 'broken';
  readonly failure: string | null;
};

type Ways = {
  /** Hands the download over to the browser. */
  fetch: (token: string) => void;
  /** Listens to how far it is, until the answered function is called. */
  listen: (token: string, onEvent: (event: ArchiveEvent) => void) => () => void;
};

type Wanted = Pick<ArchiveDownload, 'sandboxId' | 'name' | 'total'>;

export class ArchiveDownloads {
  readonly #listeners = new Set<() => void>();
  readonly #stops = new Map<string, () => void>();
  #view: readonly ArchiveDownload[] = [];

  /** For `useSyncExternalStore`: oldest first. */
  readonly view = (): readonly ArchiveDownload[] => this.#view;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(wanted: Wanted, { fetch, listen }: Ways): void {
    const token = newArchiveToken();
    this.#publish([...this.#view, { ...wanted, token, count: null, state: 'asked', failure: null }]);
    this.#stops.set(
      token,
      listen(token, (event) => this.#receive(token, event)),
    );
    fetch(token);
  }

  /** Shows it no more. The browser goes on with it. */
  dismiss(token: string): void {
    this.#leave(token);
    this.#publish(this.#view.filter((download) => download.token !== token));
  }

  #receive(token: string, event: ArchiveEvent): void {
    const { count } = event;
    if (event.kind === 'ended') this.#leave(token);
    const failure = event.kind === 'ended' ? event.failure : null;
    const state = event.kind === 'progress' ? 'sending' : failure === null ? 'sent' : 'broken';
    this.#publish(
      this.#view.map((download) =>
        download.token === token ? { ...download, count, state, failure } : download,
      ),
    );
  }

  #leave(token: string): void {
    this.#stops.get(token)?.();
    this.#stops.delete(token);
  }

  #publish(view: readonly ArchiveDownload[]): void {
    this.#view = view;
    for (const listener of this.#listeners) listener();
  }
}
