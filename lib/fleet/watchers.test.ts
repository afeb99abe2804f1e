import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ConnectionFields } from '../connection';
import { connections } from '../connections/registry';
import { KeySeal } from '../connections/seal';
import { keySeal } from '../connections/secret-key';
import { addConnection, rotateKey, setDisabled } from '../connections/store';
import { database } from '../db/client';
import { eventually, setUpEngine } from '../test-support/environment';
import { waitForResume } from './wait-for-resume';
import { fleetWatcher } from './watchers';

const BY_ANA = { version: null, by: 'ana', what: 'changed it' };

const engine = setUpEngine();

const fieldsOf = (name: string) =>
  ConnectionFields.parse({ name, kind: 'moru', apiUrl: engine.url, sandboxUrl: engine.url });

describe('a connection', () => {
  beforeEach(async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const db = await database();
    await db.deleteFrom('connections').execute();
    await connections().reload();
  });

  it('whose key cannot be decrypted says so, and is read once the key is entered again', async () => {
    const id = await engine.create();
    const other = new KeySeal('another secret of more than thirty-two characters');
    await addConnection(other, fieldsOf('sealed'), engine.apiKey, 'ana');
    await connections().reload();
    const watcher = fleetWatcher('sealed');
    const statuses: unknown[] = [];
    const stop = watcher.listen(({ status }) => void statuses.push(status.problem?.message));
    await watcher.ready(20_000);
    expect(watcher.snapshot().status.problem).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('was sealed under another secret key. Replace the key under Settings'),
    });
    // It waits between its attempts.
    expect(statuses.length).toBeLessThan(10);
    await rotateKey(keySeal(), 'sealed', engine.apiKey, BY_ANA);
    await connections().reload();
    await eventually(() => watcher.find(`sealed/${id}`) !== undefined);
    expect(watcher.snapshot().status.problem).toBeNull();
    stop();
  });

  it('that is disabled ends the waits for its paused sandboxes without a failure', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await addConnection(keySeal(), fieldsOf('brief'), engine.apiKey, 'ana');
    await connections().reload();
    const stop = fleetWatcher('brief').listen(() => {});
    await eventually(() => fleetWatcher('brief').find(`brief/${id}`)?.state === 'paused');
    const leaving = new AbortController();
    const waiting = waitForResume(`brief/${id}`, leaving.signal);
    await setDisabled('brief', true, BY_ANA);
    await connections().reload();
    // Longer than the time to the first attempt, whose failure nothing would catch.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    leaving.abort();
    await waiting;
    await waitForResume(`brief/${id}`, new AbortController().signal);
    stop();
  });
});
