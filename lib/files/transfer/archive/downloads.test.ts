import { expect, it } from 'vitest';
import { ArchiveDownloads } from './downloads';
import type { ArchiveEvent } from './schema';

const COUNT = { files: 2, folders: 1, bytes: 30, leftOut: 0, isCut: false };

function start() {
  const downloads = new ArchiveDownloads();
  const said: string[] = [];
  let tell: (event: ArchiveEvent) => void = () => {};
  downloads.start(
    { sandboxId: 'ibox', name: 'out', total: null },
    {
      listen: (_token, onEvent) => {
        said.push('listens');
        tell = onEvent;
        return () => said.push('stops');
      },
      fetch: () => said.push('fetches'),
    },
  );
  return {
    downloads,
    said,
    tell: (event: ArchiveEvent) => tell(event),
    state: () => downloads.view()[0]?.state,
  };
}

it('listens before it fetches, and stops when it is over', () => {
  const { downloads, said, tell, state } = start();
  expect(said).toEqual(['listens', 'fetches']);
  expect(state()).toBe('asked');
  tell({ kind: 'progress', count: COUNT });
  expect(downloads.view()[0]).toMatchObject({ state: 'sending', count: COUNT });
  tell({ kind: 'ended', count: COUNT, failure: null });
  expect(state()).toBe('sent');
  expect(said.at(-1)).toBe('stops');
});

it('says that it broke off, and why', () => {
  const { downloads, tell } = start();
  tell({ kind: 'ended', count: null, failure: 'There is nothing at this path.' });
  expect(downloads.view()[0]).toMatchObject({ state: 'broken', failure: 'There is nothing at this path.' });
});

it('is dismissed at any time', () => {
  const { downloads, said, tell } = start();
  downloads.dismiss(downloads.view()[0]?.token ?? '');
  tell({ kind: 'progress', count: COUNT });
  expect(downloads.view()).toEqual([]);
  expect(said.at(-1)).toBe('stops');
});
