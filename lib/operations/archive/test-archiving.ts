import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import { fleetWatcher } from '../../fleet/watchers';
import type { Sandbox } from '../../sandbox/schema';
import { apiOf } from '../../sandbox-api/configured';
import type { SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpDataDir } from '../../test-support/environment';
import { wakeKeeper } from '../../wake/wake-keeper';
import { listRecorded } from '../record/record';
import type { ActParams, OperationEvent, RecordedItem, StoredOperation } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { OperationRunner } from '../work/runner';

/** Sets up an engine that runs processes, an archive directory, and runners that archive before they kill. */
export function setUpArchiving() {
  setUpDataDir();
  const archiveDir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
  process.env.SANDKEEPER_ARCHIVE_DIR = archiveDir;
  let running: ProcessEngine | undefined;
  let opened = 0;
  const engine = (): ProcessEngine => {
    if (!running) throw new Error('The engine is not running before the first test.');
    return running;
  };

  beforeAll(async () => {
    running = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = running.url;
    process.env.SANDKEEPER_ENGINE_KEY = running.apiKey;
    await wakeKeeper().open();
  });
  afterAll(async () => {
    await wakeKeeper().close();
    await fleetWatcher('local').close();
    fs.rmSync(archiveDir, { recursive: true, force: true });
  });
  beforeEach(() => void onTestFinished(async () => void (await engine().api('DELETE', '/engine/faults'))));

  /** A runner, as in a separate process. */
  function openRunner() {
    opened += 1;
    const owner = `process-${opened}`;
    const rules = {
      maxConcurrency: 16,
      protectedKey: 'protected',
      keepMs: null,
      isShared: true,
      syncMs: 200,
    };
    const runner = new OperationRunner({ owner, ...rules });
    const events: OperationEvent[] = [];
    onTestFinished(runner.listen((event) => events.push(event)));
    onTestFinished(() => runner.close());
    const said = (key: SandboxKey, text: string) =>
      events.some(({ items }) =>
        items.some(({ sandboxKey, message }) => sandboxKey === key && message?.includes(text)),
      );
    return { runner, owner, said };
  }

  /** A sandbox with a file in its home directory. `slow`: reading it never ends. */
  async function create({ isPaused = false, isSlow = false } = {}): Promise<Sandbox> {
    const sandbox = await engine().create({ envs: { PATH: '/data/bin:/usr/bin:/bin' } });
    await sandbox.files.write('/home/user/out/result', 'mine');
    if (isSlow) await tarThat({ id: sandbox.sandboxId }, 'exec sleep 600');
    if (isPaused) await engine().api('POST', `/sandboxes/${sandbox.sandboxId}/pause`);
    const key = localKey(sandbox.sandboxId);
    return apiOf(key).getSandbox(key);
  }

  /** Installs a `tar` that shadows the system's. */
  async function tarThat({ id }: Pick<Sandbox, 'id'>, script: string): Promise<void> {
    const bin = join(engine().guestDir(id), 'root/data/bin');
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(join(bin, 'tar'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  const stateOf = async (id: string) => {
    const { status, json } = await engine().api('GET', `/sandboxes/${id}`);
    return status === 404 ? 'gone' : (json as { state: string }).state;
  };
  const fault = (input: object) => engine().api('POST', '/engine/faults', input);

  /** Records a kill that archives first. */
  const input = (sandboxes: readonly Sandbox[], params: ActParams = {}) =>
    recordNew(sandboxes, {
      id: randomBytes(9).toString('base64url'),
      params: { exportPath: '~', ...params },
    });

  function start(runner: OperationRunner, operation: StoredOperation, sandboxes: readonly Sandbox[]): void {
    runner.start(
      operation,
      sandboxes.map(({ key }) => waitingItem(key)),
    );
  }

  const isOver = ({ outcome }: RecordedItem) => outcome !== 'waiting' && outcome !== 'sending';

  /** Items by the keys of their sandboxes. */
  async function outcomes({ id }: StoredOperation): Promise<Record<SandboxKey, RecordedItem>> {
    await eventually(async () => (await listRecorded(id)).every(isOver), 40_000);
    return Object.fromEntries((await listRecorded(id)).map((item) => [item.sandboxKey, item]));
  }

  async function kill(sandboxes: readonly Sandbox[], params: ActParams = {}) {
    const { runner } = openRunner();
    const operation = await input(sandboxes, params);
    start(runner, operation, sandboxes);
    return { operation, items: await outcomes(operation) };
  }

  const listed = (name: string) =>
    execFileSync('tar', ['-t', '-z', '-f', join(archiveDir, name)], { encoding: 'utf8' })
      .trim()
      .split('\n');
  const kept = ({ id }: StoredOperation) =>
    fs.existsSync(join(archiveDir, id)) ? fs.readdirSync(join(archiveDir, id)) : [];

  return {
    engine,
    archiveDir,
    openRunner,
    create,
    tarThat,
    stateOf,
    fault,
    input,
    start,
    outcomes,
    kill,
    listed,
    kept,
  };
}
