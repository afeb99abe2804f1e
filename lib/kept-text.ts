/**
 * What a person has typed and not sent, kept in the session storage of the tab while the page is reloaded, for example
 * after an update of the server. A value is written when the page is left or hidden, and removed when it is restored. Never
 * for secrets. Browser only.
 */

import { pageQuery } from './page-query';

const PREFIX = 'sandkeeper:typed:';
/** A value that nobody came back to is dropped. */
const MAX_AGE_MS = 60 * 60_000;

/** What is kept, by key. `undefined`: nothing was typed. */
const sources = new Map<string, () => unknown>();
let isListening = false;
/** Between `pagehide` and `pageshow`, when removing the parts of the page discards nothing. */
let isLeaving = false;
/** The session has ended: the next person must not find the text of this one. */
let isForgotten = false;
let isReloading = false;

/** Keeps what `read` returns, under `key`, until the returned function is called. */
export function keepTyped(key: string, read: () => unknown): () => void {
  listen();
  sources.set(key, read);
  return () => {
    if (sources.get(key) !== read) return;
    sources.delete(key);
    if (!isLeaving) remove(key);
  };
}

/** Returns what was kept under `key` before the page was loaded, once. `undefined`: nothing. */
export function takeTyped(key: string): unknown {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    if (text === null) return undefined;
    remove(key);
    const { atMs, value } = JSON.parse(text) as { atMs: number; value: unknown };
    return Date.now() - atMs < MAX_AGE_MS ? value : undefined;
  } catch {
    // Storage may be blocked, or hold something that is no JSON.
    return undefined;
  }
}

/** Removes everything that is kept, and keeps nothing more on this page. Call when the session ends. */
export function forgetTyped(): void {
  isForgotten = true;
  try {
    for (const name of Object.keys(sessionStorage))
      if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
  } catch {
    // Storage may be blocked.
  }
}

/** Loads the page again and keeps what is typed on it, at the URL that the typing leads to. */
export function reloadPage(): void {
  pageQuery().flush();
  isReloading = writeAll();
  window.location.reload();
}

/** Whether the page is reloading and everything typed on it is kept, so that nobody has to be asked. */
export function isReloadKept(): boolean {
  return isReloading;
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  window.addEventListener('pagehide', () => {
    isLeaving = true;
    writeAll();
  });
  window.addEventListener('pageshow', () => {
    isLeaving = false;
  });
  // A browser may discard a hidden tab without `pagehide`.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') writeAll();
  });
}

/** Returns false if something could not be kept. */
function writeAll(): boolean {
  if (isForgotten) return false;
  let isKept = true;
  for (const [key, read] of sources) {
    const value = read();
    try {
      if (value === undefined) remove(key);
      else sessionStorage.setItem(PREFIX + key, JSON.stringify({ atMs: Date.now(), value }));
    } catch {
      // Storage may be blocked or full.
      isKept = false;
    }
  }
  return isKept;
}

function remove(key: string): void {
  try {
    sessionStorage.removeItem(PREFIX + key);
  } catch {
    // Storage may be blocked.
  }
}
