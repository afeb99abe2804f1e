import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ConnectionFields } from '../connection';
import { connections } from '../connections/registry';
import { keySeal } from '../connections/secret-key';
import { addConnection, removeConnection } from '../connections/store';
import { database } from '../db/client';
import { eventually, localKey, serveHttp, setUpEngine } from '../test-support/environment';
import { findId } from './find-id';
import { fleetWatcher } from './watchers';

const BY_ANA = { version: null, by: 'ana', what: 'changed it' };

const engine = setUpEngine();
const ALL = { everywhere: 'viewer', on: {} } as const;

/** Adds a connection to the engine of the tests, or to another address. */
async function connect(name: string, apiUrl = engine.url): Promise<void> {
  const fields = ConnectionFields.parse({ name, kind: 'moru', apiUrl, sandboxUrl: apiUrl });
  await addConnection(keySeal(), fields, engine.apiKey, 'ana');
  await connections().reload();
  onTestFinished(async () => {
    await removeConnection(name, BY_ANA).catch(() => {});
    await connections().reload();
  });
}

describe('an id', () => {
  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('first_starts').execute();
  });

  it('is looked for in the only connection, whether it exists or not', async () => {
    expect(await findId('inever', ALL)).toEqual(['local/inever']);
    expect(await findId('../etc', ALL)).toEqual([]);
  });

  it('is found in every connection that has it', async () => {
    const id = await engine.create();
    await connect('twin');
    expect(new Set(await findId(id, ALL))).toEqual(new Set([localKey(id), `twin/${id}`]));
    expect(await findId('inever', ALL)).toEqual([]);
  });

  it('is not said to be nowhere while a connection cannot be read', async () => {
    await connect('down', await serveHttp((_, res) => void res.writeHead(500).end()));
    const id = await engine.create();
    expect(await findId(id, ALL)).toEqual([localKey(id)]);
    await expect(findId('inever', ALL)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('down could not be read'),
    });
  });

  it('that has ended is found in history, unless its connection was removed', async () => {
    const id = await engine.create();
    await connect('gone');
    await connect('other', engine.url);
    const watcher = fleetWatcher('gone');
    onTestFinished(watcher.listen(() => {}));
    await eventually(async () => (await startsOf(id)).includes(`gone/${id}`));
    await engine.call('DELETE', `/sandboxes/${id}`);
    await eventually(() => watcher.find(`gone/${id}`) === undefined);
    expect(await findId(id, ALL)).toContain(`gone/${id}`);
    await removeConnection('gone', BY_ANA);
    await connections().reload();
    expect(await findId(id, ALL)).not.toContain(`gone/${id}`);
  });
});

async function startsOf(id: string): Promise<string[]> {
  const db = await database();
  const rows = await db.selectFrom('first_starts').select('sandbox_key').execute();
  return rows.map(({ sandbox_key }) => sandbox_key).filter((key) => key.endsWith(`/${id}`));
}
