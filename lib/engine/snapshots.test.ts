import { cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from './jail/test-process-engine';

type Info = { snapshotID: string; names: string[] };
type Created = { sandboxID: string; templateID: string; alias?: string };

describe.runIf(canRun)('snapshots', () => {
  let engine: ProcessEngine;
  let source: Sandbox;

  beforeAll(async () => {
    engine = await startProcessEngine();
    source = await engine.create({ metadata: { team: 'data' }, envs: { GREETING: 'hello' } });
    await source.files.write('/home/user/notes.txt', 'first');
    await source.commands.run(
      'cd ~ && ln notes.txt same && ln -s notes.txt link && mkfifo pipe && mkdir -p deep/er && chmod 750 deep' +
        ' && echo run > deep/er/tool && chmod 4755 deep/er/tool && touch -d 2020-01-02T03:04:05Z notes.txt',
    );
  });

  const snapshot = async (body: object = {}) => {
    const { status, json } = await engine.api('POST', `/sandboxes/${source.sandboxId}/snapshots`, body);
    return { status, ...(json as Info) };
  };
  const start = async (templateID: string) => {
    const { status, json } = await engine.api('POST', '/sandboxes', { templateID, timeout: 60 });
    return { status, ...(json as Created) };
  };
  const run = async (sandbox: Sandbox, command: string) =>
    (await sandbox.commands.run(command)).stdout.trim();

  test('copy every file of a sandbox, which keeps running, for others to start from', async () => {
    const counter = await source.commands.run('while sleep 0.05; do echo tick; done', { background: true });
    const { status, snapshotID, names } = await snapshot();
    expect([status, names]).toEqual([201, []]);
    expect(snapshotID).toMatch(/^[a-z0-9]{20}:default$/);
    const before = counter.stdout.length;
    await expect.poll(() => counter.stdout.length).toBeGreaterThan(before);
    await counter.kill();
    await source.files.write('/home/user/notes.txt', 'second');

    const created = await start(snapshotID);
    expect(created).toMatchObject({ status: 201, templateID: snapshotID.split(':')[0] });
    const copy = await engine.connect(created.sandboxID);
    expect(await copy.files.read('/home/user/notes.txt')).toBe('first');
    expect(await run(copy, 'stat -c "%n %a %U %h" ~/notes.txt ~/same ~/deep ~/deep/er/tool')).toBe(
      [
        '/home/user/notes.txt 644 user 2',
        '/home/user/same 644 user 2',
        '/home/user/deep 750 user 3',
        '/home/user/deep/er/tool 4755 user 1',
      ].join('\n'),
    );
    expect(
      await run(copy, 'readlink ~/link; date -u -r ~/notes.txt +%F; test -e ~/pipe || echo no pipe'),
    ).toBe('notes.txt\n2020-01-02\nno pipe');
    // It knows who it is, and not that it was another.
    expect(await run(copy, 'cat /run/moru/.MORU_SANDBOX_ID; echo; echo $MORU_SANDBOX_ID')).toBe(
      `${created.sandboxID}\n${created.sandboxID}`,
    );
    // A second sandbox of the snapshot does not see the first one's changes.
    await copy.files.write('/home/user/notes.txt', 'changed in the copy');
    const other = await engine.connect((await start(snapshotID)).sandboxID);
    expect(await other.files.read('/home/user/notes.txt')).toBe('first');
    await Promise.all([copy.kill(), other.kill()]);
  });

  test('have names, of which the latest copy takes the default tag', async () => {
    expect(await snapshot({ name: 'nightly' })).toMatchObject({
      snapshotID: 'local/nightly:default',
      names: ['local/nightly'],
    });
    const templates = async () =>
      ((await engine.api('GET', '/templates/nightly')).json as { builds: { buildID: string }[] }).builds;
    const [first] = await templates();
    expect((await engine.api('POST', '/templates/tags', { target: 'nightly', tags: ['v1'] })).json).toEqual({
      buildID: first?.buildID,
      tags: ['v1'],
    });
    await source.files.write('/home/user/notes.txt', 'third');
    await snapshot({ name: 'local/Nightly' });
    expect(await templates()).toHaveLength(2);
    const read = async (reference: string) => {
      const sandbox = await engine.connect((await start(reference)).sandboxID);
      const text = await sandbox.files.read('/home/user/notes.txt');
      await sandbox.kill();
      return text;
    };
    expect(await read('nightly')).toBe('third');
    expect(await read('local/nightly:v1')).not.toBe('third');
    const list = async (query: string) => {
      const { json } = await engine.api('GET', `/snapshots${query}`);
      return (json as Info[]).map(({ snapshotID }) => snapshotID);
    };
    expect(await list('?name=nightly')).toEqual(['local/nightly:default', 'local/nightly:v1']);
    expect(await list('?name=nightly:v1')).toEqual(['local/nightly:v1']);
    expect((await list(`?sandboxID=${source.sandboxId}`)).length).toBeGreaterThan(2);
    expect(await list(`?sandboxID=i${'x'.repeat(20)}`)).toEqual([]);
    const tags = (await engine.api('GET', '/templates/nightly/tags')).json as { tag: string }[];
    expect(tags.map(({ tag }) => tag).sort()).toEqual(['default', 'v1']);
    expect((await engine.api('GET', '/templates/aliases/nightly')).status).toBe(200);
    // The build that loses its last tag is gone, with its files.
    await engine.api('DELETE', '/templates/tags', { name: 'nightly', tags: ['v1'] });
    expect(await templates()).toHaveLength(1);
    expect((await start('nightly:v1')).status).toBe(404);
    expect(existsSync(join(engine.dataDir, 'snapshots', first?.buildID ?? ''))).toBe(false);
    for (const name of ['base', 'other/nightly', 'no spaces'])
      expect((await snapshot({ name })).status).toBe(400);
  });

  test('outlive their sandbox and the engine, and are deleted with their files', async () => {
    const dead = await engine.create();
    await dead.files.write('/home/user/kept', 'yes');
    const { json } = await engine.api('POST', `/sandboxes/${dead.sandboxId}/snapshots`, { name: 'kept' });
    await dead.kill();
    const restarted = await startProcessEngine({ dataDir: copyOf(engine) });
    const { json: created } = await restarted.api('POST', '/sandboxes', { templateID: 'kept' });
    const sandbox = await restarted.connect((created as Created).sandboxID);
    expect(await sandbox.files.read('/home/user/kept')).toBe('yes');

    const path = `/templates/${encodeURIComponent((json as Info).snapshotID)}`;
    expect((await restarted.api('DELETE', path)).status).toBe(204);
    expect((await restarted.api('DELETE', path)).status).toBe(404);
    expect((await restarted.api('DELETE', '/templates/base')).status).toBe(403);
    expect(await sandbox.files.read('/home/user/kept')).toBe('yes');
    const names = ((await restarted.api('GET', '/snapshots')).json as Info[]).flatMap((info) => info.names);
    expect(names).not.toContain('local/kept');
  });

  test('are refused when the files are larger than the disk, holes included, and leave nothing', async () => {
    const sandbox = await engine.create();
    await sandbox.files.write('hole', '');
    // A process inside could not make it.
    truncateSync(join(engine.guestDir(sandbox.sandboxId), 'root/home/user/hole'), 11 * 2 ** 30);
    const before = readdirSync(join(engine.dataDir, 'snapshots'));
    const { status, json } = await engine.api('POST', `/sandboxes/${sandbox.sandboxId}/snapshots`, {});
    expect([status, json]).toEqual([
      507,
      { code: 507, message: expect.stringContaining('larger than its disk of 10240 MiB') },
    ]);
    expect(readdirSync(join(engine.dataDir, 'snapshots'))).toEqual(before);
    await sandbox.kill();
  });

  test('keep holes, which take no space', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('truncate -s 100M ~/hole && echo end >> ~/hole');
    const { json } = await engine.api('POST', `/sandboxes/${sandbox.sandboxId}/snapshots`, {});
    const copy = await engine.connect((await start((json as Info).snapshotID)).sandboxID);
    expect(await run(copy, 'stat -c %s ~/hole; du -m ~/hole | cut -f1; tail -c 4 ~/hole')).toBe(
      `${100 * 1024 ** 2 + 4}\n1\nend`,
    );
    await Promise.all([sandbox.kill(), copy.kill()]);
  });

  test('never contain files of this machine', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('ln -s /etc ~/etc; ln -s /etc/shadow ~/shadow; ln -s /proc/1/root ~/host');
    const { json } = await engine.api('POST', `/sandboxes/${sandbox.sandboxId}/snapshots`, { name: 'links' });
    expect((json as Info).names).toEqual(['local/links']);
    const builds = (await engine.api('GET', '/templates/links')).json as { builds: { buildID: string }[] };
    const home = join(engine.dataDir, 'snapshots', builds.builds[0]?.buildID ?? '', 'root/home/user');
    for (const name of ['etc', 'shadow', 'host']) {
      expect(lstatSync(join(home, name)).isSymbolicLink()).toBe(true);
    }
    await sandbox.kill();
  });

  test('fork a running sandbox, with its settings and files and without its processes', async () => {
    await source.files.write('/home/user/notes.txt', 'before the fork');
    const { status, json } = await engine.api('POST', `/sandboxes/${source.sandboxId}/fork`, {
      count: 2,
      timeout: 60,
    });
    expect(status).toBe(201);
    const forks = (json as { sandbox: Created }[]).map(({ sandbox }) => sandbox.sandboxID);
    expect(new Set([...forks, source.sandboxId]).size).toBe(3);
    for (const id of forks) {
      const sandbox = await engine.connect(id);
      expect(await sandbox.files.read('/home/user/notes.txt')).toBe('before the fork');
      expect(await run(sandbox, 'echo $GREETING')).toBe('hello');
      expect((await engine.api('GET', `/sandboxes/${id}`)).json).toMatchObject({
        metadata: { team: 'data' },
        templateID: 'base',
      });
      await sandbox.kill();
    }
    expect(readdirSync(join(engine.dataDir, 'snapshots')).filter((name) => name.endsWith('.draft'))).toEqual(
      [],
    );
    const refused = await engine.api('POST', `/sandboxes/${source.sandboxId}/fork`, { count: 101 });
    expect(refused.status).toBe(400);
  });

  test('wait for nobody: a command sent during the copy starts afterwards', async () => {
    const copying = snapshot();
    const command = source.commands.run('echo late');
    expect((await copying).status).toBe(201);
    expect((await command).stdout).toBe('late\n');
  });
});

/** A data directory for another engine, with the snapshots of this one. */
function copyOf({ dataDir }: ProcessEngine): string {
  const copy = mkdtempSync(join(tmpdir(), 'sandkeeper-snapshots-'));
  for (const name of ['snapshots', 'templates.json']) {
    cpSync(join(dataDir, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  }
  return copy;
}
