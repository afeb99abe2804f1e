import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetWatcher } from '../../fleet/watchers';
import type { SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpEngine } from '../../test-support/environment';
import { type FolderEvent, folderKey } from '../schema';
import { newSandbox } from '../test-file-server';
import { FolderWatches } from './folder-watch';

const engine = setUpEngine({ withFiles: true });
afterAll(() => fleetWatcher('local').close());

let id: string;
let key: SandboxKey;
let root: string;

beforeAll(async () => {
  ({ id, key, root } = await newSandbox(engine));
});

function listen(watches: FolderWatches, path: string, of = key) {
  const events: FolderEvent[] = [];
  const stop = watches.listen(folderKey(of, path), (event) => events.push(event));
  const names = () => events.flatMap((event) => (event.kind === 'changed' ? event.names : []));
  const ended = () => events.flatMap((event) => (event.kind === 'ended' ? [event.problem] : []));
  return { events, stop, names, ended };
}

async function countWatches(): Promise<() => Promise<number>> {
  await engine.fault({ route: 'POST /filesystem.Filesystem/WatchDir', latencyMs: 1 });
  return async () => {
    const [fault] = (await engine.call('GET', '/engine/faults')).json as { fired: number }[];
    return fault?.fired ?? 0;
  };
}

describe('a watched folder', () => {
  it('shares one watch until the last subscriber leaves', async () => {
    fs.mkdirSync(`${root}/data/one`);
    const watches = new FolderWatches();
    const opened = await countWatches();
    const first = listen(watches, '/data/one');
    await eventually(() => first.events.length > 0);
    const second = listen(watches, '/data/one');
    expect(first.events).toEqual([{ kind: 'watching' }]);
    expect(second.events).toEqual([{ kind: 'watching' }]);
    fs.writeFileSync(`${root}/data/one/a\nb`, '');
    await eventually(() => first.names().includes('a\nb') && second.names().includes('a\nb'));
    expect(await opened()).toBe(1);
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

  it('sends at most two events a second, with a limited number of names', async () => {
    fs.mkdirSync(`${root}/data/busy`);
    const watches = new FolderWatches();
    const { events, stop } = listen(watches, '/data/busy');
    await eventually(() => events.length > 0);
    const listChanges = () => events.filter((event) => event.kind === 'changed');
    const sinceMs = performance.now();
    const seconds = () => (performance.now() - sinceMs) / 1_000;
    for (let n = 0; seconds() < 2 || (listChanges().length < 2 && seconds() < 60); n += 1) {
      fs.writeFileSync(`${root}/data/busy/${n}`, '');
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setTimeout(resolve, 700));
    stop();
    const changes = listChanges();
    expect(changes.length).toBeGreaterThan(1);
    expect(changes.length).toBeLessThan(2 * seconds() + 3);
    for (const { names } of changes) expect(names.length).toBeLessThanOrEqual(500);
  });

  it('reports its removal', async () => {
    fs.mkdirSync(`${root}/data/doomed`);
    fs.writeFileSync(`${root}/data/doomed/file`, '');
    const watches = new FolderWatches();
    const { events, names, stop } = listen(watches, '/data/doomed');
    await eventually(() => events.length > 0);
    fs.rmSync(`${root}/data/doomed`, { recursive: true });
    await eventually(() => names().includes('file'));
    stop();
  });
});

describe('a watch ends', () => {
  it('if there is no such folder, sandbox or key', async () => {
    const watches = new FolderWatches();
    const nothing = listen(watches, '/nowhere');
    const file = listen(watches, '/etc/hostname');
    const gone = listen(watches, '/', localKey('i00000000000000000000'));
    await eventually(() => [nothing, file, gone].every(({ ended }) => ended().length > 0));
    expect([nothing, file, gone].map(({ events }) => events)).toEqual([
      [{ kind: 'ended', problem: 'vanished' }],
      [{ kind: 'ended', problem: 'not_directory' }],
      [{ kind: 'ended', problem: 'gone' }],
    ]);
    const wrong = ['', key, `${id} /`, `${key} `, `${key} etc`, ' /', '../x /', `${key} /\0`].map(
      (topicKey) => {
        const events: FolderEvent[] = [];
        watches.listen(topicKey, (event) => events.push(event));
        return events;
      },
    );
    for (const events of wrong) expect(events).toEqual([{ kind: 'ended', problem: 'vanished' }]);
    expect(watches.size).toBe(0);
  });

  it('when the sandbox is killed, while running or paused', async () => {
    const [running, paused] = await Promise.all([newSandbox(engine), newSandbox(engine)]);
    const watches = new FolderWatches();
    const listeners = [listen(watches, '/', running.key), listen(watches, '/', paused.key)];
    await eventually(() => listeners.every(({ events }) => events.length > 0));
    await engine.call('POST', `/sandboxes/${paused.id}/pause`);
    for (const each of [running, paused]) await engine.call('DELETE', `/sandboxes/${each.id}`);
    await eventually(() => listeners.every(({ ended }) => ended().length > 0));
    expect(listeners.map(({ ended }) => ended())).toEqual([['gone'], ['gone']]);
    expect(watches.size).toBe(0);
  });

  it('but not with a pause, which it does not undo, and continues after a quick resume', async () => {
    const { id: one, key: keyOfOne, root: files } = await newSandbox(engine);
    const watches = new FolderWatches();
    const first = listen(watches, '/data', keyOfOne);
    await eventually(() => first.events.length > 0);
    const opened = await countWatches();
    await engine.call('POST', `/sandboxes/${one}/pause`);
    const paused = await engine.detail(one);
    const late = listen(watches, '/data', keyOfOne);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await engine.detail(one)).toEqual(paused);
    expect(await opened()).toBe(0);
    await engine.call('POST', `/sandboxes/${one}/resume`, { timeout: 60 });
    await eventually(() => first.events.length > 1 && late.events.at(-1)?.kind === 'watching');
    expect(first.events).toEqual([{ kind: 'watching' }, { kind: 'watching' }]);
    fs.writeFileSync(`${files}/data/after`, '');
    await eventually(() => first.names().includes('after') && late.names().includes('after'));
    // Leaving ends the wait for the next resume.
    await engine.call('POST', `/sandboxes/${one}/pause`);
    first.stop();
    late.stop();
    expect([watches.size, ...first.ended(), ...late.ended()]).toEqual([0]);
  });

  it('but not with a lost connection, after which it resumes', async () => {
    fs.mkdirSync(`${root}/data/again`);
    const watches = new FolderWatches();
    await engine.fault({ route: 'POST /filesystem.Filesystem/WatchDir', reset: true, count: 1 });
    const { events, names, stop } = listen(watches, '/data/again');
    await eventually(() => events.length > 0);
    expect(events).toEqual([{ kind: 'watching' }]);
    fs.writeFileSync(`${root}/data/again/file`, '');
    await eventually(() => names().includes('file'));
    stop();
  });
});
