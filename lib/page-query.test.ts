import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PageQuery, type WriteOptions } from './page-query';

const FLEET = '/sandboxes';
const TYPED: WriteOptions = { history: 'replace', delayMs: 300 };
const NOW: WriteOptions = { history: 'replace', delayMs: 0 };
const PUSH: WriteOptions = { history: 'push', delayMs: 0 };

/** A page in a window whose history is a list. `works` holds the numbers of the work that the router has begun. */
function openPage(href: string) {
  const history = [href];
  const works: number[] = [];
  const url = () => new URL(history.at(-1) ?? '', 'http://sandkeeper');
  const query = new PageQuery({
    url,
    write: (to, change) => {
      const { pathname, search } = new URL(to);
      if (change === 'replace') history.pop();
      history.push(pathname + search);
    },
  });
  query.watchWork((work) => works.push(work));
  return {
    query,
    history,
    works,
    /** The router commits its latest work, and with it a navigation to `to`. */
    commit(to?: string) {
      if (to !== undefined) history.push(to);
      query.workEnded(works.at(-1) ?? 0);
    },
    /** The router shows the URL. */
    show: () => query.routerShows(url().pathname, url().searchParams),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a change', () => {
  it('shows at once, and is written after its delay', () => {
    const { query, history } = openPage(FLEET);
    query.set(FLEET, { q: 'age>1d' }, TYPED);
    expect(query.changesOf(FLEET)).toEqual({ q: 'age>1d' });
    expect(history).toEqual(['/sandboxes']);
    vi.advanceTimersByTime(TYPED.delayMs);
    expect(history).toEqual(['/sandboxes?q=age%3E1d']);
  });

  it('is written at once before the page is loaded again', () => {
    const { query, history } = openPage(FLEET);
    query.set(FLEET, { q: 'age>1d' }, TYPED);
    query.flush();
    expect(history).toEqual(['/sandboxes?q=age%3E1d']);
  });

  it('waits for the next key, so that typing writes once', () => {
    const { query, history } = openPage(FLEET);
    for (const q of ['a', 'ab', 'abc']) {
      query.set(FLEET, { q }, TYPED);
      vi.advanceTimersByTime(TYPED.delayMs - 1);
      expect(history).toEqual(['/sandboxes']);
    }
    vi.advanceTimersByTime(1);
    expect(history).toEqual(['/sandboxes?q=abc']);
  });

  it('without a delay is written at once, and the next ones no faster than browsers allow', () => {
    const { query, history } = openPage('/files');
    for (let line = 1; line <= 100; line += 1) {
      query.set('/files', { line: String(line) }, NOW);
      if (line === 1) expect(history).toEqual(['/files?line=1']);
      vi.advanceTimersByTime(10);
    }
    expect(history).not.toEqual(['/files?line=100']);
    vi.advanceTimersByTime(150);
    expect(history).toEqual(['/files?line=100']);
  });

  it('adds a history entry when asked to, with the keys set before it', () => {
    const { query, history } = openPage('/files?sort=size');
    query.set('/files', { sort: null }, TYPED);
    query.set('/files', { file: '/a' }, PUSH);
    query.set('/files', { file: '/b', line: '2' }, PUSH);
    expect(history).toEqual(['/files?sort=size', '/files?file=/a', '/files?file=/b&line=2']);
  });

  it('keeps the other keys, and paths and filters legible', () => {
    const { query, history } = openPage(FLEET);
    query.set(FLEET, { sort: '-age' }, PUSH);
    query.set(FLEET, { q: 'owner=ana team:a,b "x y" 100%&é' }, PUSH);
    expect(history.at(-1)).toBe('/sandboxes?sort=-age&q=owner=ana+team:a,b+%22x+y%22+100%25%26%C3%A9');
    expect(new URL(history.at(-1) ?? '', 'http://x').searchParams.get('q')).toBe(
      'owner=ana team:a,b "x y" 100%&é',
    );
  });

  it('is forgotten once the router shows it, but not a newer one', () => {
    const { query, show } = openPage(FLEET);
    query.set(FLEET, { q: 'a' }, NOW);
    query.set(FLEET, { q: 'ab' }, TYPED);
    show();
    expect(query.changesOf(FLEET)).toEqual({ q: 'ab' });
    vi.advanceTimersByTime(TYPED.delayMs);
    show();
    expect(query.changesOf(FLEET)).toEqual({});
  });

  it('of a page that is gone changes nothing', () => {
    const { query, history } = openPage('/c/local/sandboxes/i1/run');
    query.set('/c/local/sandboxes/i2/run', { run: 'op1' }, PUSH);
    expect(history).toEqual(['/c/local/sandboxes/i1/run']);
    expect(query.changesOf('/c/local/sandboxes/i1/run')).toEqual({});
  });

  it('tells its listeners', () => {
    const { query } = openPage(FLEET);
    const listener = vi.fn();
    const stop = query.subscribe(listener);
    query.set(FLEET, { q: 'a' }, TYPED);
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
    query.set(FLEET, { q: 'b' }, TYPED);
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe('a navigation', () => {
  it.each(['push', 'replace'] as const)('(%s) writes what was typed before it', (kind) => {
    const { query, history, commit } = openPage(FLEET);
    query.set(FLEET, { q: 'owner=ana' }, TYPED);
    query.navigationBegan(kind);
    expect(history).toEqual(['/sandboxes?q=owner=ana']);
    commit('/c/local/sandboxes/i1');
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes?q=owner=ana', '/c/local/sandboxes/i1']);
  });

  it('keeps back what comes later, which shows until the page is left', () => {
    const { query, history, commit } = openPage(FLEET);
    query.navigationBegan('push');
    query.set(FLEET, { q: 'owner=ana' }, TYPED);
    query.set(FLEET, { sort: 'id' }, PUSH);
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes']);
    expect(query.changesOf(FLEET)).toEqual({ q: 'owner=ana', sort: 'id' });
    commit('/sandboxes?q=state:paused');
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes', '/sandboxes?q=state:paused']);
    expect(query.changesOf(FLEET)).toEqual({});
  });

  it('by Back writes nothing into the entry it leads to', () => {
    const { query, history, commit } = openPage('/sandboxes?q=a');
    query.set(FLEET, { q: 'ab' }, TYPED);
    history.push('/sandboxes?q=old');
    query.navigationBegan('traverse');
    vi.runAllTimers();
    commit();
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes?q=a', '/sandboxes?q=old']);
  });

  it('that another one replaces holds writes back until the last has ended', () => {
    const { query, history, works, commit } = openPage(FLEET);
    query.navigationBegan('push');
    query.navigationBegan('push');
    query.workEnded(works[0] ?? 0);
    query.set(FLEET, { q: 'a' }, NOW);
    expect(history).toEqual(['/sandboxes']);
    commit('/operations');
    query.set('/operations', { show: 'failed' }, NOW);
    expect(history).toEqual(['/sandboxes', '/operations?show=failed']);
  });

  it('that began before anybody watched the router is watched from then on', () => {
    const { query, history } = openPage(FLEET);
    query.watchWork(() => {})();
    query.navigationBegan('replace');
    query.watchWork((work) => query.workEnded(work));
    query.set(FLEET, { q: 'a' }, NOW);
    expect(history).toEqual(['/sandboxes?q=a']);
  });
});

describe('a refresh', () => {
  it('holds writes back, which follow it', () => {
    const { query, history, commit } = openPage(FLEET);
    query.set(FLEET, { q: 'a' }, TYPED);
    query.refreshBegan();
    query.set(FLEET, { sort: 'id' }, PUSH);
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes']);
    commit();
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes', '/sandboxes?q=a&sort=id']);
  });

  it('that a navigation replaces leaves nothing to write', () => {
    const { query, history, commit } = openPage(FLEET);
    query.refreshBegan();
    query.set(FLEET, { q: 'a' }, TYPED);
    query.navigationBegan('push');
    expect(history).toEqual(['/sandboxes?q=a']);
    commit('/operations');
    vi.runAllTimers();
    expect(history).toEqual(['/sandboxes?q=a', '/operations']);
  });
});
