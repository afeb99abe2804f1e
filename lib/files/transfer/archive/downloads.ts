import type { SandboxKey } from '../../../sandbox-key';
import type { FolderSize } from '../../schema';
import { type ArchiveCount, type ArchiveEvent, newArchiveToken } from './schema';

/** The archive downloads of this tab. The browser fetches them, and the server reports their progress. */

export type ArchiveDownload = {
  readonly token: string;
  readonly sandboxKey: SandboxKey;
  readonly name: string;
  /** The size counted beforehand. */
  readonly total: FolderSize | null;
  readonly count: ArchiveCount | null;
  readonly state: 'requested' | 'sending' | 'sent' | 'broken';
  readonly failure: string | null;
};

type Transport = {
  fetch: (token: string) => void;
  /** Returns a function that unsubscribes. */
  subscribe: (token: string, onEvent: (event: ArchiveEvent) => void) => () => void;
};

type NewDownload = Pick<ArchiveDownload, 'sandboxKey' | 'name' | 'total'>;

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

  start(download: NewDownload, { fetch, subscribe }: Transport): void {
    const token = newArchiveToken();
    this.#publish([...this.#view, { ...download, token, count: null, state: 'requested', failure: null }]);
    this.#stops.set(
      token,
      subscribe(token, (event) => this.#receive(token, event)),
    );
    fetch(token);
  }

  /** Hides it. The browser's download continues. */
  dismiss(token: string): void {
    this.#unsubscribe(token);
    this.#publish(this.#view.filter((download) => download.token !== token));
  }

  #receive(token: string, event: ArchiveEvent): void {
    const { count } = event;
    if (event.kind === 'ended') this.#unsubscribe(token);
    const failure = event.kind === 'ended' ? event.failure : null;
    const state = event.kind === 'progress' ? 'sending' : failure === null ? 'sent' : 'broken';
    this.#publish(
      this.#view.map((download) =>
        download.token === token ? { ...download, count, state, failure } : download,
      ),
    );
  }

  #unsubscribe(token: string): void {
    this.#stops.get(token)?.();
    this.#stops.delete(token);
  }

  #publish(view: readonly ArchiveDownload[]): void {
    this.#view = view;
    for (const listener of this.#listeners) listener();
  }
}
