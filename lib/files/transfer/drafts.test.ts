import fs from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { database } from '../../db/client';
import { eventually, setUpEngine, thrownBy } from '../../test-support/environment';
import { openFiles } from '../browse/reader';
import { auditLog, newSandbox } from '../test-file-server';
import { DraftKeeper, draftKeeper } from './drafts';
import { uploadFile } from './upload';

const engine = setUpEngine({ withFiles: true });

const drafts = async () => (await database()).selectFrom('upload_drafts').select('path').execute();

/** A folder with the file `good`, and an upload over it that has sent a megabyte and waits. */
async function beginUpload() {
  const { id, key, root } = await newSandbox(engine);
  fs.writeFileSync(`${root}/data/good`, 'good');
  let goOn = () => {};
  const rest = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* body() {
    yield Buffer.alloc(1_000_000);
    await rest;
    yield Buffer.alloc(1_000_000);
  }
  const { signal } = new AbortController();
  const upload = uploadFile(key, '/data/good', body(), { conflict: 'replace', actor: 'ana', signal });
  upload.catch(() => {});
  const names = () => fs.readdirSync(`${root}/data`).sort();
  await eventually(() => names().some((name) => name.startsWith('.upload-')));
  return { id, key, root, upload, goOn, names };
}

describe('an unfinished upload', () => {
  it('is recorded until it becomes the file', async () => {
    const { upload, goOn, root, names } = await beginUpload();
    expect(await drafts()).toEqual([{ path: expect.stringMatching(/^\/data\/\.upload-[0-9a-f]{16}$/) }]);
    goOn();
    expect(await upload).toMatchObject({ sizeBytes: 2_000_000 });
    expect(names()).toEqual(['good']);
    expect(fs.statSync(`${root}/data/good`).size).toBe(2_000_000);
    expect(await drafts()).toEqual([]);
  });

  it('is removed when its sandbox runs again after a pause', async () => {
    const { id, key, root, upload, goOn, names } = await beginUpload();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    goOn();
    expect(await thrownBy(() => upload)).toMatchObject({
      problem: 'not_running',
      message: expect.stringMatching(/paused during the upload.*\.upload-/),
    });
    expect(names()).toHaveLength(2);
    await engine.call('POST', `/sandboxes/${id}/connect`, { timeout: 600 });
    await openFiles(key);
    await eventually(() => names().length === 1);
    expect(fs.readFileSync(`${root}/data/good`, 'utf8')).toBe('good');
    await eventually(async () => (await drafts()).length === 0);
    expect(await auditLog(key)).toEqual(['upload-cleared /data/good']);
  });

  it('is removed after the process that received it has ended, but not before', async () => {
    const { key, root } = await newSandbox(engine);
    const name = '.upload-0123456789abcdef';
    fs.writeFileSync(`${root}/data/${name}`, 'half');
    fs.writeFileSync(`${root}/data/precious`, 'precious');
    const row = {
      sandbox_key: key,
      target: '/data/good',
      actor: 'ana',
      claimed_until_ms: Date.now() + 3_600_000,
    };
    const insert = async (path: string, owner: string) =>
      (await database())
        .insertInto('upload_drafts')
        .values({ ...row, path, claimed_by: owner })
        .execute();
    await insert(`/data/${name}`, `${hostname()}/${process.ppid}/alive`);
    const keeper = new DraftKeeper(`${hostname()}/${process.pid}/heir`);
    onTestFinished(() => keeper.close());
    await keeper.open();
    expect(fs.existsSync(`${root}/data/${name}`)).toBe(true);
    await (await database())
      .updateTable('upload_drafts')
      .set({ claimed_by: `${hostname()}/999999999/dead` })
      .execute();
    // Never removes another file, whatever the record says.
    await insert('/data/precious', `${hostname()}/999999999/dead`);
    await keeper.open();
    await eventually(async () => (await drafts()).length === 0);
    expect(fs.readdirSync(`${root}/data`)).toEqual(['precious']);
    expect(await auditLog(key)).toEqual(['upload-cleared /data/good']);
  });

  it('is forgotten with its sandbox', async () => {
    const { id, key, upload, goOn } = await beginUpload();
    await engine.call('DELETE', `/sandboxes/${id}`);
    goOn();
    await thrownBy(() => upload);
    await eventually(async () => (await drafts()).length === 0);
    draftKeeper().noteReachable(key);
  });
});
