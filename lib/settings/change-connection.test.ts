import { beforeEach, describe, expect, it } from 'vitest';
import { WHOLE_ACCESS } from '../access/access-filter';
import { listAccess } from '../access/audit';
import { connections } from '../connections/registry';
import { database } from '../db/client';
import { sandboxApi } from '../sandbox-api/configured';
import { describeOnDatabases } from '../test-support/databases';
import { serveHttp, setUpDataDir } from '../test-support/environment';
import { ALL, someone } from '../test-support/people';
import {
  addToSettings,
  editInSettings,
  removeFromSettings,
  replaceKey,
  switchInSettings,
  testDraft,
} from './change-connection';
import { ChangedConnection, type ConnectionDraft, draftOf, NewConnection } from './connection-draft';
import { findConnectionFacts, listConnectionFacts } from './read-connections';

setUpDataDir();

const ANA = someone('ana');
const BEA = someone('bea');
const OLD = 'e2b_old4567890abcd';
const NEW = 'e2b_new4567890wxyz';

/** A service with one sandbox that accepts these keys, and the keys that it was sent. */
async function serve(accepted: string[] = [OLD, NEW]) {
  const sent: string[] = [];
  const apiUrl = await serveHttp((request, response) => {
    const key = String(request.headers['x-api-key']);
    sent.push(key);
    if (!accepted.includes(key)) return void response.writeHead(401).end();
    if (!request.url?.startsWith('/v2/sandboxes?')) return void response.writeHead(404).end();
    response.end(JSON.stringify([{ sandboxID: 'i1', state: 'running' }]));
  });
  return { apiUrl, sent };
}

type Entered = Partial<ReturnType<typeof draftOf>>;
const draft = (changes: Entered) =>
  NewConnection.parse({ ...draftOf(null), kind: 'e2b', name: 'prod', key: OLD, ...changes });
const changed = (changes: Entered) =>
  ChangedConnection.parse({ ...draftOf(null), kind: 'e2b', name: 'prod', ...changes });

/** The present state, as a person sees it who has just opened the page. */
const seen = (name: string) => ({ name, version: connections().find(name)?.version ?? 1 });
const edit = (who: typeof ANA, change: ConnectionDraft) =>
  editInSettings(who, seen(change.fields.name).version, change);

/** The access log, oldest first. */
async function recorded(): Promise<string[]> {
  const { entries } = await listAccess(WHOLE_ACCESS, ALL, Date.now());
  return entries
    .map(({ actor, kind, connection, detail }) => `${actor} ${kind} ${connection}: ${detail}`)
    .reverse();
}

describeOnDatabases('connections of the settings', () => {
  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('connections').execute();
    await db.deleteFrom('access_log').execute();
    await connections().reload();
  });

  it('are in use once they are added, and recorded without their key', async () => {
    const { apiUrl } = await serve();
    await addToSettings(ANA, draft({ apiUrl, title: 'Production' }));
    expect(connections().enabled()).toEqual(['local', 'prod']);
    expect((await sandboxApi('prod').listSandboxes(null)).sandboxes).toHaveLength(1);
    expect(await recorded()).toEqual([`ana connection-added prod: E2B at ${apiUrl}`]);
    expect(findConnectionFacts('prod')).toMatchObject({
      title: 'Production',
      source: 'settings',
      declaredIn: null,
      createdBy: 'ana',
      keyTail: 'abcd',
      state: 'unread',
    });
    expect(JSON.stringify(listConnectionFacts())).not.toContain('old456');
  });

  it('have names of their own, for ever', async () => {
    await expect(addToSettings(ANA, draft({ name: 'local' }))).rejects.toMatchObject({ code: 'conflict' });
    await addToSettings(ANA, draft({}));
    await expect(addToSettings(ANA, draft({}))).rejects.toThrow('The name prod is taken');
    await removeFromSettings(ANA, seen('prod'));
    await expect(addToSettings(ANA, draft({}))).rejects.toThrow('The name prod is taken');
    expect(await recorded()).toHaveLength(2);
  });

  describe('that are edited', () => {
    it('change at once, and the record names what changed', async () => {
      const { apiUrl } = await serve();
      await addToSettings(ANA, draft({ apiUrl }));
      await edit(ANA, changed({ apiUrl, title: 'Live', label: 'L' }));
      expect(connections().require('prod')).toMatchObject({ title: 'Live', label: 'L', key: OLD });
      await edit(ANA, changed({ apiUrl, title: 'Live', label: 'L' }));
      await edit(ANA, changed({ apiUrl, title: 'Live', key: NEW }));
      expect(connections().require('prod')).toMatchObject({ label: null, key: NEW });
      expect((await recorded()).slice(1)).toEqual([
        'ana connection-edited prod: title: Live; label: L',
        'ana connection-edited prod: label: none; API key',
      ]);
    });

    it('send a stored key to no other address', async () => {
      const [before, after] = [await serve(), await serve()];
      await addToSettings(ANA, draft({ apiUrl: before.apiUrl }));
      const moved = changed({ apiUrl: after.apiUrl });
      await expect(testDraft(ANA, moved)).rejects.toThrow('Enter the API key again');
      await expect(edit(ANA, moved)).rejects.toThrow('Enter the API key again');
      expect(after.sent).toEqual([]);
      expect(connections().require('prod').apiUrl).toBe(before.apiUrl);
      await edit(ANA, { ...moved, key: NEW });
      await sandboxApi('prod').listSandboxes(null);
      expect(after.sent).toEqual([NEW]);
    });

    it('are tested with the stored key if none is entered', async () => {
      const { apiUrl, sent } = await serve();
      await addToSettings(ANA, draft({ apiUrl }));
      expect(await testDraft(ANA, changed({ apiUrl }))).toMatchObject({ sandboxes: 1, hasMore: false });
      expect(new Set(sent)).toEqual(new Set([OLD]));
      expect((await recorded()).at(-1)).toBe(`ana connection-tested prod: ${apiUrl}`);
    });
  });

  it('get a new key only if it works', async () => {
    const { apiUrl, sent } = await serve();
    await addToSettings(ANA, draft({ apiUrl }));
    await expect(replaceKey(ANA, seen('prod'), 'e2b_wrong')).rejects.toThrow('refuses this API key');
    expect(connections().require('prod').key).toBe(OLD);
    expect(await replaceKey(ANA, seen('prod'), NEW)).toMatchObject({
      isMade: true,
      value: { sandboxes: 1 },
    });
    sent.length = 0;
    await sandboxApi('prod').listSandboxes(null);
    expect(sent).toEqual([NEW]);
    expect((await recorded()).slice(1)).toEqual(['ana connection-key-replaced prod: ']);
  });

  describe('that somebody else has changed', () => {
    it('are left as they are, and say who changed what', async () => {
      const { apiUrl } = await serve();
      await addToSettings(ANA, draft({ apiUrl }));
      const asSeenByAna = seen('prod');
      await edit(BEA, changed({ apiUrl, title: 'Live', label: 'L' }));
      await switchInSettings(BEA, 'prod', true);
      const before = await recorded();
      const titled = changed({ apiUrl, title: 'Production' });
      const refused = await Promise.all([
        editInSettings(ANA, asSeenByAna.version, titled),
        replaceKey(ANA, asSeenByAna, NEW),
        removeFromSettings(ANA, asSeenByAna),
      ]);
      for (const answer of refused)
        expect(answer).toMatchObject({
          isMade: false,
          newer: {
            facts: { title: 'Live', label: 'L', isDisabled: true },
            changes: [
              {
                by: 'bea',
                what: 'changed the title to “Live” and the label to “L”',
                atMs: expect.any(Number),
              },
              { by: 'bea', what: 'disabled it' },
            ],
          },
        });
      expect(connections().find('prod')).toMatchObject({ title: 'Live', key: OLD });
      expect(await recorded()).toEqual(before);
      expect(await edit(ANA, titled)).toEqual({ isMade: true, value: null });
      expect(connections().find('prod')).toMatchObject({
        title: 'Production',
        label: null,
        isDisabled: true,
      });
    });

    it('take one of two changes at the same time', async () => {
      const { apiUrl } = await serve();
      await addToSettings(ANA, draft({ apiUrl }));
      const { version } = seen('prod');
      const answers = await Promise.all([
        editInSettings(ANA, version, changed({ apiUrl, title: 'A' })),
        editInSettings(BEA, version, changed({ apiUrl, title: 'B' })),
      ]);
      expect(answers.map(({ isMade }) => isMade).sort()).toEqual([false, true]);
      expect(findConnectionFacts('prod')?.title).toBe(answers[0]?.isMade ? 'A' : 'B');
      expect(findConnectionFacts('prod')?.changes).toHaveLength(1);
    });

    it('say who removed them', async () => {
      await addToSettings(ANA, draft({}));
      const asSeenByAna = seen('prod');
      await removeFromSettings(BEA, asSeenByAna);
      await expect(editInSettings(ANA, asSeenByAna.version, changed({ title: 'x' }))).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('bea removed the connection prod'),
      });
    });
  });

  it('are disabled, enabled and removed, each recorded once', async () => {
    const { apiUrl } = await serve();
    await addToSettings(ANA, draft({ apiUrl }));
    for (const isDisabled of [true, true]) await switchInSettings(ANA, 'prod', isDisabled);
    expect(connections().enabled()).toEqual(['local']);
    expect(findConnectionFacts('prod')).toMatchObject({ state: 'disabled', sandboxes: null });
    await switchInSettings(ANA, 'prod', false);
    expect((await sandboxApi('prod').listSandboxes(null)).sandboxes).toHaveLength(1);
    await removeFromSettings(ANA, seen('prod'));
    expect(findConnectionFacts('prod')).toBeNull();
    await expect(removeFromSettings(ANA, seen('prod'))).rejects.toMatchObject({ code: 'not_found' });
    expect((await recorded()).slice(1).map((line) => line.split(' ')[1])).toEqual([
      'connection-disabled',
      'connection-enabled',
      'connection-removed',
    ]);
  });

  it('are the only ones that can be changed', async () => {
    const refusal = {
      code: 'conflict',
      message: expect.stringContaining('configured in SANDKEEPER_ENGINE_KEY'),
    };
    await expect(edit(ANA, changed({ name: 'local', key: NEW }))).rejects.toMatchObject(refusal);
    await expect(replaceKey(ANA, seen('local'), NEW)).rejects.toMatchObject(refusal);
    await expect(switchInSettings(ANA, 'local', true)).rejects.toMatchObject(refusal);
    await expect(removeFromSettings(ANA, seen('local'))).rejects.toMatchObject(refusal);
    await expect(testDraft(ANA, changed({ name: 'local' }))).rejects.toThrow('Enter the API key again');
    expect(await recorded()).toEqual([]);
  });

  it('say that a key under another secret has to be entered again', async () => {
    await addToSettings(ANA, draft({}));
    const db = await database();
    await db.updateTable('connections').set({ sealed_under: 'another' }).execute();
    await connections().reload();
    expect(findConnectionFacts('prod')).toMatchObject({
      state: 'unauthorised',
      hasKey: false,
      keyTail: 'abcd',
    });
  });
});
