import { expect, it } from 'vitest';
import { ArchiveDownloads } from './downloads';
import type { ArchiveEvent } from './schema';

const COUNT = { files: 2, folders: 1, bytes: 30, leftOut: 0, fault: null, isCut: false };

function start() {
  const downloads = new ArchiveDownloads();
  const calls: string[] = [];
  let send: (event: ArchiveEvent) => void = () => {};
  downloads.start(
    { sandboxKey: 'local/ibox', name: 'out', total: null },
    {
      subscribe: (_token, onEvent) => {
        calls.push('subscribe');
        send = onEvent;
        return () => calls.push('unsubscribe');
      },
      fetch: () => calls.push('fetch'),
    },
  );
  return {
    downloads,
    calls,
    send: (event: ArchiveEvent) => send(event),
    state: () => downloads.view()[0]?.state,
  };
}

it('subscribes before it fetches and unsubscribes at the end', () => {
  const { downloads, calls, send, state } = start();
  expect(calls).toEqual(['subscribe', 'fetch']);
  expect(state()).toBe('requested');
  send({ kind: 'progress', count: COUNT });
  expect(downloads.view()[0]).toMatchObject({ state: 'sending', count: COUNT });
  send({ kind: 'ended', count: COUNT, failure: null });
  expect(state()).toBe('sent');
  expect(calls.at(-1)).toBe('unsubscribe');
});

it('reports a failure', () => {
  const { downloads, send } = start();
  send({ kind: 'ended', count: null, failure: 'Path not found.' });
  expect(downloads.view()[0]).toMatchObject({ state: 'broken', failure: 'Path not found.' });
});

it('can be dismissed at any time', () => {
  const { downloads, calls, send } = start();
  downloads.dismiss(downloads.view()[0]?.token ?? '');
  send({ kind: 'progress', count: COUNT });
  expect(downloads.view()).toEqual([]);
  expect(calls.at(-1)).toBe('unsubscribe');
});
