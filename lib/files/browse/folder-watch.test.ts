import fs from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventually, setUpEngine } from '../../test-support/environment';
import { type FolderEvent, folderKey } from '../schema';
import { newSandbox } from '../test-file-server';
import { FolderWatches } from './folder-watch';

const engine = setUpEngine({ withFiles: true });

let id: string;
let root: string;

beforeAll(async () => {
  ({ id, root } = await newSandbox(engine));
});

/** Somebody who listens, and what they have heard. */
function listen(watches: FolderWatches, path: string, of = id) {
  const heard: FolderEvent[] = [];
  const stop = watches.listen(folderKey(of, path), (event) => heard.push(event));
  const names = () => heard.flatMap((event) => (event.kind === 'changed' ? event.names : []));
  const ended = () => heard.flatMap((event) => (event.kind === 'ended' ? [event.problem] : []));
  return { heard, stop, names, ended };
}

/** How many watches the engine is asked for from now on. */
async function countWatches(): Promise<() => Promise<number>> {
  await engine.fault({ route: 'POST /filesystem.Filesystem/WatchDir', latencyMs: 1 });
  return async () => {
    const [fault] = (await engine.call('GET', '/engine/faults')).json as { fired: number }[];
    return fault?.fired ?? 0;
  };
}

describe('a folder that is looked at', () => {
  it('is watched once for all who look, until the last one leaves', async () => {
    fs.mkdirSync(`${root}/data/one`);
    const watches = new FolderWatches();
    const asked = await countWatches();
    const first = listen(watches, '/data/one');
    await eventually(() => first.heard.length > 0);
    const second = listen(watches, '/data/one');
    expect(first.heard).toEqual([{ kind: 'watching' }]);
    expect(second.heard).toEqual([{ kind: 'watching' }]);
    fs.writeFileSync(`${root}/data/one/a\nb`, '');
    await eventually(() => first.names().includes('a\nb') && second.names().includes('a\nb'));
    expect(await asked()).toBe(1);
    first.stop();
    expect(watches.size).toBe(1);
    fs.writeFileSync(`${root}/data/one/c`, '');
    await eventually(() => second.names().includes('c'));
    expect(first.names()).not.toContain('c');
    second.stop();
    second.stop();
    expect(watches.size).toBe(0);
    expect([...first.ended(), ...second.ended()]).toEqual([]);
  });

  it('and changes all the time is told of twice a second, without all the names', async () => {
    fs.mkdirSync(`${root}/data/busy`);
    const watches = new FolderWatches();
    const { heard, stop } = listen(watches, '/data/busy');
    await eventually(() => heard.length > 0);
    const untilMs = performance.now() + 2_000;
    for (let n = 0; performance.now() < untilMs; n += 1) {
      fs.writeFileSync(`${root}/data/busy/${n}`, '');
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setTimeout(resolve, 700));
    stop();
    const changes = heard.filter((event) => event.kind === 'changed');
    expect(changes.length).toBeGreaterThan(1);
    expect(changes.length).toBeLessThan(8);
    for (const { names } of changes) expect(names.length).toBeLessThanOrEqual(500);
  });

  it('and is removed shows it', async () => {
    fs.mkdirSync(`${root}/data/doomed`);
    fs.writeFileSync(`${root}/data/doomed/file`, '');
    const watches = new FolderWatches();
    const { heard, names, stop } = listen(watches, '/data/doomed');
    await eventually(() => heard.length > 0);
    fs.rmSync(`${root}/data/doomed`, { recursive: true });
    await eventually(() => names().includes('file'));
    stop();
  });
});

describe('a watch ends', () => {
  it('where there is nothing to watch', async () => {
    const watches = new FolderWatches();
    const nothing = listen(watches, '/nowhere');
    const file = listen(watches, '/etc/hostname');
    const gone = listen(watches, '/', 'i00000000000000000000');
    await eventually(() => [nothing, file, gone].every(({ ended }) => ended().length > 0));
    expect([nothing, file, gone].map(({ heard }) => heard)).toEqual([
      [{ kind: 'ended', problem: 'vanished' }],
      [{ kind: 'ended', problem: 'not_directory' }],
      [{ kind: 'ended', problem: 'gone' }],
    ]);
    const wrong = ['', id, `${id} `, `${id} etc`, ' /', '../x /', `${id} /\0`].map((key) => {
      const heard: FolderEvent[] = [];
      watches.listen(key, (event) => heard.push(event));
      return heard;
    });
    for (const heard of wrong) expect(heard).toEqual([{ kind: 'ended', problem: 'vanished' }]);
    expect(watches.size).toBe(0);
  });

  it('with a pause, which it does not undo, and with a kill', async () => {
    const { id: one } = await newSandbox(engine);
    const watches = new FolderWatches();
    const first = listen(watches, '/', one);
    await eventually(() => first.heard.length > 0);
    await engine.call('POST', `/sandboxes/${one}/pause`);
    await eventually(() => first.ended().length > 0);
    expect(first.ended()).toEqual(['not_running']);
    const paused = await engine.detail(one);
    const again = listen(watches, '/', one);
    await eventually(() => again.ended().length > 0);
    expect(again.heard).toEqual([{ kind: 'ended', problem: 'not_running' }]);
    expect(await engine.detail(one)).toEqual(paused);
    await engine.call('POST', `/sandboxes/${one}/resume`, { timeout: 60 });
    const awake = listen(watches, '/', one);
    await eventually(() => awake.heard.length > 0);
    await engine.call('DELETE', `/sandboxes/${one}`);
    await eventually(() => awake.ended().length > 0);
    expect(awake.ended()).toEqual(['gone']);
    expect(watches.size).toBe(0);
  });

  it('not with the connection: it is set up again, and who looks reads again', async () => {
    fs.mkdirSync(`${root}/data/again`);
    const watches = new FolderWatches();
    await engine.fault({ route: 'POST /filesystem.Filesystem/WatchDir', reset: true, count: 1 });
    const { heard, names, stop } = listen(watches, '/data/again');
    await eventually(() => heard.length > 0);
    expect(heard).toEqual([{ kind: 'watching' }]);
    fs.writeFileSync(`${root}/data/again/file`, '');
    await eventually(() => names().includes('file'));
    stop();
  });
});
