import { describe, expect, it } from 'vitest';
import { ApiFailure } from '../../api-client';
import { entryAt, folderAt } from '../test-entries';
import { UploadQueue, type UploadTransport } from './upload-queue';

type Sending = {
  path: string;
  conflict: string;
  resolve: () => void;
  reject: (error: Error) => void;
  progress: (bytes: number) => void;
};

/** A queue with existing entries, in which the test resolves each upload. */
function openQueue(existing: Record<string, 'file' | 'directory'> = {}) {
  const sendings: Sending[] = [];
  const done: string[] = [];
  const entries = new Map(Object.entries(existing));
  const transport: UploadTransport = {
    stat: async (_sandboxKey, path) => {
      const kind = entries.get(path);
      if (kind === undefined) return null;
      return kind === 'file' ? entryAt(path) : folderAt(path);
    },
    send: ({ path, conflict }, _file, progress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        sendings.push({
          path,
          conflict,
          progress,
          reject,
          resolve: () => {
            entries.set(path, 'file');
            resolve();
          },
        });
      }),
  };
  const queue = new UploadQueue(transport, ({ name }) => done.push(name));
  const states = () => queue.view().map(({ name, state }) => `${name} ${state}`);
  return { queue, sendings, done, states };
}

const file = (name: string, bytes = 4) => Object.assign(new Blob(['x'.repeat(bytes)]), { name });
const settle = () => new Promise<void>((resolve) => setTimeout(resolve));

it('sends two at a time, in order, with progress', async () => {
  const { queue, sendings, done, states } = openQueue();
  queue.add('local/ibox', '/home', [file('a'), file('b'), file('c')]);
  await settle();
  expect(states()).toEqual(['a sending', 'b sending', 'c waiting']);
  sendings[0]?.progress(3);
  expect(queue.view()[0]?.sentBytes).toBe(3);
  sendings[0]?.resolve();
  await settle();
  expect(states()).toEqual(['a done', 'b sending', 'c sending']);
  sendings[1]?.resolve();
  sendings[2]?.resolve();
  await settle();
  expect(done).toEqual(['a', 'b', 'c']);
  expect(sendings.every(({ conflict }) => conflict === 'refuse')).toBe(true);
  queue.clear();
  expect(queue.view()).toEqual([]);
});

describe('on a conflict', () => {
  it('asks before sending and replaces on request', async () => {
    const { queue, sendings, states } = openQueue({ '/home/a': 'file' });
    queue.add('local/ibox', '/home', [file('a')]);
    await settle();
    expect(states()).toEqual(['a asking']);
    expect(queue.view()[0]?.existing?.path).toBe('/home/a');
    expect(sendings).toEqual([]);
    queue.answer(1, 'replace', false);
    await settle();
    expect(sendings).toMatchObject([{ path: '/home/a', conflict: 'replace' }]);
  });

  it('keeps both with the next free number', async () => {
    const { queue, sendings } = openQueue({ '/home/a.tar.gz': 'file', '/home/a (2).tar.gz': 'file' });
    queue.add('local/ibox', '/home', [file('a.tar.gz')]);
    await settle();
    queue.answer(1, 'keep', false);
    await settle();
    expect(sendings).toMatchObject([{ path: '/home/a (3).tar.gz', conflict: 'refuse' }]);
  });

  it('applies an answer to the whole batch', async () => {
    const { queue, sendings, states } = openQueue({
      '/home/a': 'file',
      '/home/c': 'file',
      '/home/.env': 'file',
    });
    queue.add('local/ibox', '/home', [file('a'), file('b'), file('c'), file('.env')]);
    await settle();
    expect(states()).toEqual(['a asking', 'b sending', 'c asking', '.env asking']);
    queue.answer(1, 'keep', true);
    sendings[0]?.resolve();
    await settle();
    await settle();
    for (const { resolve } of sendings) resolve();
    await settle();
    await settle();
    expect(sendings.map(({ path }) => path)).toEqual([
      '/home/b',
      '/home/a (2)',
      '/home/c (2)',
      '/home/.env (2)',
    ]);
  });

  it('asks again for a folder, which cannot be replaced', async () => {
    const { queue, states } = openQueue({ '/home/a': 'file', '/home/b': 'directory' });
    queue.add('local/ibox', '/home', [file('a')]);
    await settle();
    queue.add('local/ibox', '/home', [file('a'), file('b')]);
    await settle();
    queue.answer(2, 'replace', true);
    await settle();
    expect(states()).toEqual(['a asking', 'a sending', 'b asking']);
  });

  it('skips', async () => {
    const { queue, sendings, states } = openQueue({ '/home/a': 'file' });
    queue.add('local/ibox', '/home', [file('a')]);
    await settle();
    queue.answer(1, 'skip', false);
    expect(states()).toEqual(['a skipped']);
    expect(sendings).toEqual([]);
  });

  it('asks if the file was created after the check', async () => {
    const { queue, sendings, states } = openQueue();
    queue.add('local/ibox', '/home', [file('a')]);
    await settle();
    sendings[0]?.reject(new ApiFailure('conflict', 'There is a file.'));
    await settle();
    expect(states()).toEqual(['a asking']);
  });
});

it('sends again what a session that had ended refused, and nothing else', async () => {
  const { queue, sendings, states } = openQueue();
  queue.add('local/ibox', '/home', [file('a'), file('b')]);
  await settle();
  sendings[0]?.reject(new ApiFailure('unauthenticated', 'Sign in first.'));
  sendings[1]?.reject(new ApiFailure('conflict', 'The disk of the sandbox is full.', 'no_space'));
  await settle();
  queue.retryRefused();
  await settle();
  expect(states()).toEqual(['a sending', 'b failed']);
  sendings[2]?.resolve();
  await settle();
  expect(states()).toEqual(['a done', 'b failed']);
});

it('reports a failure, continues with the others, and retries on request', async () => {
  const { queue, sendings, states } = openQueue();
  queue.add('local/ibox', '/home', [file('a'), file('b')]);
  await settle();
  sendings[0]?.reject(new ApiFailure('conflict', 'The disk of the sandbox is full.', 'no_space'));
  sendings[1]?.resolve();
  await settle();
  expect(states()).toEqual(['a failed', 'b done']);
  expect(queue.view()[0]?.failure).toBe('The disk of the sandbox is full.');
  queue.retry(1);
  await settle();
  sendings[2]?.resolve();
  await settle();
  expect(states()).toEqual(['a done', 'b done']);
});

it('cancels active and waiting uploads', async () => {
  const { queue, sendings, states } = openQueue();
  queue.add('local/ibox', '/home', [file('a'), file('b'), file('c')]);
  await settle();
  queue.cancel(3);
  queue.cancel(1);
  await settle();
  sendings[0]?.progress(4);
  expect(states()).toEqual(['a cancelled', 'b sending', 'c cancelled']);
  expect(queue.view()[0]?.sentBytes).toBe(0);
});
