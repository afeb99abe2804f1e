import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { FilesystemEventType } from '@moru-ai/core';
import { describe, expect, it } from 'vitest';
import { decodeEnvelopes, encodeEnvelope, readResponse, startTestEnvd, type TestEnvd } from './test-envd';

type Event = { name: string; type: string };
const rpc = (envd: TestEnvd, method: string, body: unknown) =>
  envd.unary(`filesystem.Filesystem/${method}`, body);

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;

/** Creates a polled watcher. `seen` collects its events as `CREATE name`. */
async function watch(envd: TestEnvd, recursive = false) {
  const path = '/home/user/w';
  fs.mkdirSync(envd.inside(path), { recursive: true });
  const { watcherId } = (await rpc(envd, 'CreateWatcher', { path, recursive })).json as { watcherId: string };
  expect(watcherId).toMatch(/^w[a-z0-9]{20}$/);
  const seen: string[] = [];
  const poll = async () => {
    const { events = [] } = (await rpc(envd, 'GetWatcherEvents', { watcherId })).json as { events?: Event[] };
    seen.push(...events.map(({ name, type }) => `${type.slice('EVENT_TYPE_'.length)} ${name}`));
    return seen;
  };
  const at = (name: string) => envd.inside(`${path}/${name}`);
  return { watcherId, poll, at, seen };
}

describe('polled watchers', () => {
  it('report changes of files', async () => {
    const envd = await startTestEnvd();
    const { poll, at, seen } = await watch(envd);
    const next = async (change: () => void, expected: string[]) => {
      seen.length = 0;
      change();
      await expect.poll(poll, { interval: 10 }).toEqual(expected);
    };
    await next(() => fs.mkdirSync(at('dir')), ['CREATE dir']);
    await next(() => fs.writeFileSync(at('a'), 'text'), ['CREATE a', 'WRITE a']);
    await next(() => fs.appendFileSync(at('a'), 'more'), ['WRITE a']);
    await next(() => fs.chmodSync(at('a'), 0o600), ['CHMOD a']);
    await next(() => fs.chmodSync(at('dir'), 0o700), ['CHMOD dir']);
    await next(() => fs.renameSync(at('a'), at('b')), ['RENAME a', 'CREATE b']);
    await next(() => fs.writeFileSync(at('c'), ''), ['CREATE c']);
    await next(() => fs.renameSync(at('b'), at('c')), ['RENAME b', 'CREATE c']);
    await next(() => fs.rmSync(at('c')), ['REMOVE c']);
    await next(() => fs.rmdirSync(at('dir')), ['REMOVE dir']);
    await next(() => {
      fs.writeFileSync(at('brief'), '');
      fs.rmSync(at('brief'));
    }, ['CREATE brief', 'REMOVE brief']);
    const outside = envd.inside('/home/user/outside');
    await next(() => fs.writeFileSync(at('kept'), 'text'), ['CREATE kept', 'WRITE kept']);
    await next(() => fs.utimesSync(at('kept'), 1_000, 1_000), ['CHMOD kept']);
    await next(() => expect(spawnSync('touch', [at('kept')]).status).toBe(0), ['CHMOD kept']);
    await next(() => fs.mkdirSync(at('folder')), ['CREATE folder']);
    await next(() => fs.renameSync(at('kept'), outside), ['RENAME kept']);
    await next(() => fs.renameSync(outside, at('back')), ['CREATE back']);
    await next(() => fs.renameSync(at('folder'), outside), ['RENAME folder']);
    await next(() => fs.rmSync(at('back')), ['REMOVE back']);
    // Without `recursive`, dir/below causes no event.
    fs.mkdirSync(at('dir'));
    fs.writeFileSync(at('dir/below'), 'x');
    await next(() => fs.writeFileSync(at('last'), ''), ['CREATE dir', 'CREATE last']);
  });

  it('have told of an upload by the time it is answered', async () => {
    const envd = await startTestEnvd();
    const { watcherId } = await watch(envd, true);
    const { files } = envd.sandbox();
    const read = async () => {
      const { json } = await rpc(envd, 'GetWatcherEvents', { watcherId });
      const { events = [] } = json as { events?: Event[] };
      return events.map(({ name, type }) => `${type.slice('EVENT_TYPE_'.length)} ${name}`);
    };
    for (const name of ['a', 'b', 'c']) {
      await files.write(`/home/user/w/${name}`, 'text');
      expect(await read()).toEqual([`CREATE ${name}`, `CHMOD ${name}`, `WRITE ${name}`]);
      await files.write(`/home/user/w/${name}`, 'other text');
      expect(await read()).toEqual([`WRITE ${name}`]);
    }
    await files.makeDir('/home/user/w/dir');
    await files.write('/home/user/w/dir/file', 'text');
    expect(await read()).toEqual(expect.arrayContaining(['CREATE dir', 'CREATE dir/file', 'WRITE dir/file']));
    expect(await read()).toEqual([]);
  });

  it('report one change for an upload, however long it takes', async () => {
    const envd = await startTestEnvd();
    const { poll, at, seen } = await watch(envd);
    const parts = async (name: string, text: string, count: number) => {
      const headers = { 'content-type': 'application/octet-stream' };
      const outgoing = envd.open('POST', `/files?path=w/${name}`, { headers });
      const answer = readResponse(outgoing);
      for (let part = 0; part < count; part += 1) {
        outgoing.write(text);
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      outgoing.end();
      expect((await answer).status).toBe(200);
    };
    const next = async (change: () => Promise<void>, expected: string[]) => {
      seen.length = 0;
      await change();
      await expect.poll(poll, { interval: 10 }).toEqual(expected);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await poll()).toEqual(expected);
    };
    await next(() => parts('a', 'new ', 5), ['CREATE a', 'CHMOD a', 'WRITE a']);
    await next(() => parts('a', 'more ', 5), ['WRITE a']);
    await next(() => parts('quick', 'x', 1), ['CREATE quick', 'CHMOD quick', 'WRITE quick']);
    await next(() => parts('empty', '', 0), ['CREATE empty', 'CHMOD empty']);
    await next(async () => fs.appendFileSync(at('a'), 'by a process'), ['WRITE a']);
  });

  it.each([
    ['is removed', (path: string) => fs.rmdirSync(path), 'REMOVE .'],
    ['moves', (path: string) => fs.renameSync(path, `${path}-elsewhere`), 'RENAME .'],
    ['changes its mode', (path: string) => fs.chmodSync(path, 0o700), 'CHMOD .'],
  ])('report when the directory itself %s', async (_, change, expected) => {
    const envd = await startTestEnvd();
    const { poll, at } = await watch(envd);
    change(at('.').replace(/\/\.$/, ''));
    await expect.poll(poll, { interval: 10 }).toEqual([expected]);
  });

  it('describe the entries of their events on request', async () => {
    const envd = await startTestEnvd();
    const path = '/home/user/w';
    fs.mkdirSync(envd.inside(path));
    const request = { path, includeEntry: true, allowNetworkMounts: true };
    const { watcherId } = (await rpc(envd, 'CreateWatcher', request)).json as { watcherId: string };
    const events: object[] = [];
    const poll = async () => {
      const { json } = await rpc(envd, 'GetWatcherEvents', { watcherId });
      events.push(...((json as { events?: object[] }).events ?? []));
      return events;
    };
    fs.writeFileSync(envd.inside(`${path}/file`), '');
    await expect.poll(poll).toEqual([
      {
        name: 'file',
        type: 'EVENT_TYPE_CREATE',
        entry: expect.objectContaining({ path: `${path}/file`, type: 'FILE_TYPE_FILE' }),
      },
    ]);
    events.length = 0;
    fs.rmSync(envd.inside(`${path}/file`));
    fs.mkdirSync(envd.inside(`${path}/file`));
    await expect.poll(poll).toEqual([
      { name: 'file', type: 'EVENT_TYPE_REMOVE' },
      {
        name: 'file',
        type: 'EVENT_TYPE_CREATE',
        entry: expect.objectContaining({ type: 'FILE_TYPE_DIRECTORY' }),
      },
    ]);
  });

  it('end when they are removed', async () => {
    const envd = await startTestEnvd();
    const before = openDescriptors();
    const { watcherId } = await watch(envd, true);
    expect((await rpc(envd, 'RemoveWatcher', { watcherId })).status).toBe(200);
    expect((await rpc(envd, 'RemoveWatcher', { watcherId })).json).toMatchObject({ code: 'not_found' });
    expect((await rpc(envd, 'GetWatcherEvents', { watcherId })).json).toMatchObject({ code: 'not_found' });
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before + 1);
  });

  it('end with their sandbox, and are limited in number', async () => {
    const envd = await startTestEnvd();
    for (let count = 0; count < 64; count += 1) {
      expect((await rpc(envd, 'CreateWatcher', { path: '/tmp' })).status).toBe(200);
    }
    expect((await rpc(envd, 'CreateWatcher', { path: '/tmp' })).json).toMatchObject({
      code: 'resource_exhausted',
    });
    envd.envd.forget(envd.guest.id);
    expect((await rpc(envd, 'CreateWatcher', { path: '/tmp' })).status).toBe(200);
  });

  it('watch new subdirectories at once', async () => {
    const envd = await startTestEnvd();
    const { poll, at } = await watch(envd, true);
    fs.mkdirSync(at('one/two/three'), { recursive: true });
    fs.writeFileSync(at('one/two/three/file'), 'text');
    await expect
      .poll(poll, { interval: 10 })
      .toEqual(
        expect.arrayContaining([
          'CREATE one',
          'CREATE one/two',
          'CREATE one/two/three',
          'CREATE one/two/three/file',
          'WRITE one/two/three/file',
        ]),
      );
    fs.renameSync(at('one/two'), at('moved'));
    await expect
      .poll(poll, { interval: 10 })
      .toEqual(expect.arrayContaining(['RENAME one/two', 'CREATE moved']));
    fs.writeFileSync(at('moved/three/late'), '');
    await expect.poll(poll, { interval: 10 }).toContain('CREATE moved/three/late');
    fs.rmSync(at('moved'), { recursive: true });
    await expect
      .poll(poll, { interval: 10 })
      .toEqual(expect.arrayContaining(['REMOVE moved/three/late', 'REMOVE moved/three', 'REMOVE moved']));
  });

  it('miss no file in a flood, and leak no descriptors', async () => {
    const envd = await startTestEnvd();
    const before = openDescriptors();
    const { poll, at, watcherId } = await watch(envd, true);
    const script = `
      const fs = require('node:fs');
      for (let d = 0; d < 20; d++) {
        fs.mkdirSync('d' + d);
        for (let f = 0; f < 500; f++) fs.writeFileSync('d' + d + '/f' + f, 'x');
      }`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: at('') }).status).toBe(0);
    const created = async () => new Set((await poll()).filter((event) => event.startsWith('CREATE '))).size;
    await expect.poll(created).toBe(20 + 20 * 500);
    fs.rmSync(at(''), { recursive: true });
    const removed = async () => new Set((await poll()).filter((event) => event.startsWith('REMOVE '))).size;
    await expect.poll(removed).toBeGreaterThanOrEqual(20);
    await rpc(envd, 'RemoveWatcher', { watcherId });
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before + 1);
    expect(envd.warnings).toEqual([]);
  });

  it('compare directories after the kernel has dropped events', async () => {
    const envd = await startTestEnvd();
    const { poll, at } = await watch(envd);
    const files = 20_000;
    // The kernel queues at most 16,384 events, and this process reads none in the meantime.
    const script = `for (let f = 0; f < ${files}; f++) require('node:fs').writeFileSync('f' + f, 'x');`;
    expect(spawnSync(process.execPath, ['-e', script], { cwd: at('') }).status).toBe(0);
    const created = async () => new Set((await poll()).filter((event) => event.startsWith('CREATE '))).size;
    await expect.poll(created).toBe(files);
    expect(envd.warnings).toEqual([]);
  });

  it('do not follow a directory that becomes a link', async () => {
    const envd = await startTestEnvd();
    const { poll, at } = await watch(envd, true);
    const outside = `${envd.guest.dataDir}/outside`;
    fs.mkdirSync(outside);
    fs.symlinkSync(outside, at('link'));
    fs.mkdirSync(at('dir'));
    await expect.poll(poll).toEqual(expect.arrayContaining(['CREATE link', 'CREATE dir']));
    fs.rmdirSync(at('dir'));
    fs.symlinkSync(outside, at('dir'));
    fs.writeFileSync(`${outside}/secret`, 'x');
    fs.writeFileSync(at('end'), '');
    await expect.poll(poll).toContain('CREATE end');
    expect((await poll()).join()).not.toContain('secret');
  });
});

describe('WatchDir', () => {
  it('works through the SDK, even in a new directory', async () => {
    const envd = await startTestEnvd();
    const { files } = envd.sandbox();
    await files.makeDir('watched');
    const events: string[] = [];
    const handle = await files.watchDir('watched', ({ name, type }) => void events.push(`${type} ${name}`), {
      recursive: true,
    });
    await files.makeDir('watched/nested');
    await files.write('watched/nested/file.txt', 'text');
    await expect.poll(() => events).toContain(`${FilesystemEventType.WRITE} nested/file.txt`);
    expect(events).toContain(`${FilesystemEventType.CREATE} nested`);
    await files.rename('watched/nested/file.txt', 'watched/renamed.txt');
    await files.remove('watched/renamed.txt');
    await expect.poll(() => events).toContain(`${FilesystemEventType.REMOVE} renamed.txt`);
    expect(events).toContain(`${FilesystemEventType.RENAME} nested/file.txt`);
    await handle.stop();
    await expect(files.watchDir('missing', () => {})).rejects.toThrow(/no such file/);
  });

  it('starts, sends keepalives, and ends at its deadline', async () => {
    const envd = await startTestEnvd();
    const headers = { 'connect-timeout-ms': '3000', 'keepalive-ping-interval': '0.1' };
    const envelopes = await envd.stream('filesystem.Filesystem/WatchDir', encodeEnvelope({ path: '/tmp' }), {
      headers,
    });
    expect(envelopes[0]).toEqual({ flags: 0, message: { start: {} } });
    expect(envelopes[1]).toEqual({ flags: 0, message: { keepalive: {} } });
    expect(envelopes.at(-1)).toMatchObject({ flags: 2, message: { error: { code: 'deadline_exceeded' } } });
  });

  it('is cut when the sandbox stops', async () => {
    const envd = await startTestEnvd();
    const before = openDescriptors();
    const headers = { 'content-type': 'application/connect+json' };
    const outgoing = envd.open('POST', '/filesystem.Filesystem/WatchDir', { headers });
    const bytes: Buffer[] = [];
    const failed = new Promise<Error>((resolve) => {
      outgoing.on('response', (response) => {
        response.on('data', (chunk: Buffer) => bytes.push(chunk)).on('error', resolve);
      });
    });
    outgoing.end(encodeEnvelope({ path: '/tmp', recursive: true }));
    await expect.poll(() => bytes.length).toBeGreaterThan(0);
    await envd.envd.closeStreams(envd.guest.id);
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    expect(decodeEnvelopes(Buffer.concat(bytes)).map(({ flags }) => flags)).not.toContain(2);
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before + 1);
  });

  it('reports failures in its end', async () => {
    const envd = await startTestEnvd();
    const envelopes = await envd.stream(
      'filesystem.Filesystem/WatchDir',
      encodeEnvelope({ path: 'missing' }),
    );
    expect(envelopes).toMatchObject([{ flags: 2, message: { error: { code: 'not_found' } } }]);
  });
});
