import { beforeEach, expect, it } from 'vitest';
import { ConnectionFields } from '../connection';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { KeySeal } from './seal';
import { addConnection, editConnection, listStored, removeConnection, rotateKey, setDisabled } from './store';

const BY_ANA = { version: null, by: 'ana', what: 'changed it' };

const seal = new KeySeal('a secret of more than thirty-two characters');
const prod = ConnectionFields.parse({ name: 'prod', title: 'Production', kind: 'e2b', label: 'P' });
const staging = ConnectionFields.parse({ name: 'staging', kind: 'moru' });

describeOnDatabases('stored connections', () => {
  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('connections').execute();
    await addConnection(seal, staging, 'moru_short', 'ana');
    await addConnection(seal, prod, 'e2b_0123456789abcdef', 'ana');
  });

  it('are listed by name with their keys', async () => {
    expect(await listStored(seal)).toEqual([
      expect.objectContaining({
        ...prod,
        source: 'settings',
        key: 'e2b_0123456789abcdef',
        keyTail: 'cdef',
        isDisabled: false,
        createdBy: 'ana',
        createdAtMs: expect.any(Number),
      }),
      expect.objectContaining({ ...staging, key: 'moru_short', keyTail: null }),
    ]);
  });

  it('store no key that anybody could read', async () => {
    const db = await database();
    const rows = JSON.stringify(await db.selectFrom('connections').selectAll().execute());
    expect(rows).not.toContain('0123456789');
    expect(rows).not.toContain('moru_short');
  });

  it('have no key under another secret, until it is entered again', async () => {
    const other = new KeySeal('another secret of more than thirty-two characters');
    expect((await listStored(other)).map(({ key }) => key)).toEqual([null, null]);
    await rotateKey(other, 'prod', 'e2b_new', BY_ANA);
    expect((await listStored(other)).map(({ key }) => key)).toEqual(['e2b_new', null]);
    expect((await listStored(seal)).map(({ key }) => key)).toEqual([null, 'moru_short']);
  });

  it('can be edited, disabled and enabled without their key', async () => {
    await editConnection({ ...prod, title: 'Live', label: null }, BY_ANA);
    await setDisabled('prod', true, BY_ANA);
    const [edited] = await listStored(seal);
    expect(edited).toMatchObject({
      title: 'Live',
      label: null,
      isDisabled: true,
      key: 'e2b_0123456789abcdef',
    });
    await setDisabled('prod', false, BY_ANA);
    expect((await listStored(seal))[0]).toMatchObject({ isDisabled: false });
  });

  it('lose their key when they are removed, and their name is not reused', async () => {
    await removeConnection('prod', BY_ANA);
    expect((await listStored(seal)).map(({ name }) => name)).toEqual(['staging']);
    const db = await database();
    const row = await db.selectFrom('connections').selectAll().where('name', '=', 'prod').executeTakeFirst();
    expect(row).toMatchObject({ sealed_key: '', key_tail: null });
    await expect(addConnection(seal, prod, 'e2b_1', 'li')).rejects.toMatchObject({ code: 'conflict' });
    await expect(removeConnection('prod', BY_ANA)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('say that a name is taken or unknown', async () => {
    await expect(addConnection(seal, staging, 'k', 'li')).rejects.toMatchObject({ code: 'conflict' });
    await expect(rotateKey(seal, 'absent', 'k', BY_ANA)).rejects.toMatchObject({ code: 'not_found' });
    await expect(setDisabled('absent', true, BY_ANA)).rejects.toMatchObject({ code: 'not_found' });
    expect((await listStored(seal)).map(({ key }) => key)).toEqual(['e2b_0123456789abcdef', 'moru_short']);
  });
});
