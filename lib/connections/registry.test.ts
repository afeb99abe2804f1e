import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { ConnectionFields } from '../connection';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir } from '../test-support/environment';
import { perConnection } from './per-connection';
import { connections, shownConnections } from './registry';
import { keySeal } from './secret-key';
import { addConnection, editConnection, removeConnection, rotateKey, setDisabled } from './store';

const BY_ANA = { version: null, by: 'ana', what: 'changed it' };

const prod = ConnectionFields.parse({ name: 'prod', title: 'Production', kind: 'e2b' });
const KEY = 'e2b_0123456789abcdef';

setUpDataDir();

describeOnDatabases('the connections of a process', () => {
  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('connections').execute();
    await connections().reload();
  });

  const changes = () => {
    const seen: string[] = [];
    const stop = connections().listen({
      onChange: (name) => seen.push(`changed ${name}`),
      onEnd: (name) => seen.push(`ended ${name}`),
    });
    onTestFinished(() => void stop());
    return seen;
  };

  it('are the declared ones, then those of the settings', async () => {
    expect(connections().enabled()).toEqual(['local']);
    await addConnection(keySeal(), prod, KEY, 'ana');
    await connections().reload();
    expect(connections().enabled()).toEqual(['local', 'prod']);
    expect(connections().require('prod')).toMatchObject({ key: KEY, title: 'Production', kind: 'e2b' });
  });

  it('are shown without anything secret', async () => {
    await addConnection(keySeal(), prod, KEY, 'ana');
    await connections().reload();
    expect(shownConnections()).toContainEqual({
      name: 'prod',
      title: 'Production',
      label: null,
      kind: 'e2b',
      host: 'api.e2b.app',
      variables: {},
    });
    expect(JSON.stringify(shownConnections())).not.toContain('0123');
  });

  it('refuse an unknown name and a disabled connection, with the reason', async () => {
    expect(() => connections().require('nothing')).toThrow('There is no connection named nothing.');
    await addConnection(keySeal(), prod, KEY, 'ana');
    await setDisabled('prod', true, BY_ANA);
    await connections().reload();
    expect(() => connections().require('prod')).toThrow('The connection prod is disabled.');
    expect(connections().enabled()).toEqual(['local']);
  });

  it('tell of a new key or title, of the end, and of nothing else', async () => {
    await addConnection(keySeal(), prod, KEY, 'ana');
    await connections().reload();
    const seen = changes();
    await connections().reload();
    await rotateKey(keySeal(), 'prod', 'e2b_fedcba9876543210', BY_ANA);
    await connections().reload();
    await editConnection({ ...prod, title: 'Live' }, BY_ANA);
    await connections().reload();
    await setDisabled('prod', true, BY_ANA);
    await connections().reload();
    await removeConnection('prod', BY_ANA);
    await connections().reload();
    expect(seen).toEqual(['changed prod', 'changed prod', 'ended prod', 'ended prod']);
  });

  it('have one instance each, which ends with its connection and is replaced by a change where asked', async () => {
    const closed: string[] = [];
    const make = (what: string, isReplacedOnChange: boolean) =>
      perConnection<{ of: string }>(`${what} ${Math.random()}`, {
        create: (name) => ({ of: name }),
        close: ({ of }) => void closed.push(`${what} of ${of}`),
        isReplacedOnChange,
      });
    const [kept, replaced] = [make('kept', false), make('replaced', true)];
    await addConnection(keySeal(), prod, KEY, 'ana');
    await connections().reload();
    const before = { kept: kept.get('prod'), replaced: replaced.get('prod'), local: kept.get('local') };
    expect(kept.get('prod')).toBe(before.kept);
    await rotateKey(keySeal(), 'prod', 'e2b_fedcba9876543210', BY_ANA);
    await connections().reload();
    expect(kept.get('prod')).toBe(before.kept);
    expect(replaced.get('prod')).not.toBe(before.replaced);
    await removeConnection('prod', BY_ANA);
    await connections().reload();
    expect(() => kept.get('prod')).toThrow('There is no connection named prod.');
    expect(kept.get('local')).toBe(before.local);
    expect(closed).toEqual(['replaced of prod', 'kept of prod', 'replaced of prod']);
  });

  it('follow what another process has changed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      connections().close();
      vi.useRealTimers();
    });
    await connections().open();
    await addConnection(keySeal(), prod, KEY, 'ana');
    expect(connections().find('prod')).toBeUndefined();
    vi.advanceTimersByTime(10_000);
    await vi.waitFor(() => expect(connections().find('prod')).toBeDefined(), { timeout: 10_000 });
  });
});
