import { describe, expect, it, onTestFinished } from 'vitest';
import { canRun } from '../engine/jail/test-process-engine';
import { findOperation, forgetOperationsBefore, listItems, recordCancel } from '../operations/record/store';
import { recordNew, waitingItem } from '../operations/test-operations';
import { apiOf } from '../sandbox-api/configured';
import { idOf } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, localKey } from '../test-support/environment';
import { LiveCommands, liveCommands } from './live';
import type { CommandEvent } from './schema';
import { runKey } from './schema';
import { findCommand, listStarted, readCommandHistory } from './store';
import { setUpCommands } from './test-commands';

const { engine, openRunner, begin, finished, run, countIn, fault } = setUpCommands();

describe.skipIf(!canRun)('commands', () => {
  describeOnDatabases('a command', () => {
    it('is killed when the operation is stopped, and waiting ones are not sent', async () => {
      const sandboxKey = await engine.create();
      const runner = openRunner();
      const begun = await begin([sandboxKey], { command: 'echo x >> /tmp/count; exec sleep 300' }, runner);
      await eventually(async () => (await countIn(sandboxKey)) === 1);
      await recordCancel(begun.operation.id, 'ben', Date.now());
      runner.cancel(begun.operation.id, 'ben', Date.now());
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({
        outcome: 'cancelled',
        message: expect.stringContaining('was killed (SIGKILL)'),
      });
      const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
      expect(await envd.listProcesses(AbortSignal.timeout(120_000))).toEqual([]);
    });

    it('is unknown and not run again if its process died while it ran', async () => {
      const sandboxKey = await engine.create();
      const first = openRunner('dying');
      const begun = await begin(
        [sandboxKey],
        { command: 'echo x >> /tmp/count; sleep 2; echo x >> /tmp/other' },
        first,
      );
      await eventually(async () => (await countIn(sandboxKey)) === 1);
      // Like the end of a process, closing does not kill running commands.
      await first.close();
      const second = openRunner('next');
      await second.open();
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({
        outcome: 'unknown',
        message: expect.stringContaining('not run again'),
      });
      expect(await countIn(sandboxKey)).toBe(1);
      expect(await listStarted(begun.operation.id)).toEqual(new Set([sandboxKey]));
    });

    it('is run by another process if its process died before it was sent', async () => {
      const sandboxKey = await engine.create();
      const sandbox = await apiOf(sandboxKey).getSandbox(sandboxKey);
      await fault({ route: `GET /sandboxes/${idOf(sandboxKey)}`, latencyMs: 1_500, count: 1 });
      const operation = await recordNew([sandbox], {
        act: 'run',
        params: { command: 'echo x >> /tmp/count' },
      });
      const first = openRunner('dying-too');
      first.start(operation, [waitingItem(sandboxKey)]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await first.close();
      const second = openRunner('next-too');
      await second.open();
      await eventually(async () => (await findOperation(operation.id))?.state === 'finished', 40_000);
      expect((await listItems(operation.id))[0]?.outcome).toBe('done');
      expect(await countIn(sandboxKey)).toBe(1);
    });

    it('does not wait for a slow one', async () => {
      const slow = await engine.create();
      const others = await Promise.all([engine.create(), engine.create(), engine.create()]);
      const runner = openRunner();
      const long = await begin([slow], { command: 'exec sleep 300' }, runner);
      const short = await begin(others, { command: 'true' }, runner);
      await finished(short);
      expect((await findOperation(long.operation.id))?.state).toBe('running');
      await recordCancel(long.operation.id, 'ben', Date.now());
      runner.cancel(long.operation.id, 'ben', Date.now());
      await finished(long);
    });

    it('does not make its sandbox busy', async () => {
      const sandboxKey = await engine.create();
      const runner = openRunner();
      const begun = await begin([sandboxKey], { command: 'exec sleep 300' }, runner);
      await eventually(async () => (await begun.item(sandboxKey)) !== undefined);
      expect(runner.busyKeys()).toEqual(new Set());
      await engine.kill(sandboxKey);
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({
        outcome: expect.stringMatching(/unknown|failed/),
      });
    });

    it('publishes the output so far, then new output, then its end', async () => {
      const sandboxKey = await engine.create();
      const begun = await begin([sandboxKey], {
        command: 'echo one; sleep 1.2; echo two >&2; sleep 0.3; exit 5',
      });
      const events: CommandEvent[] = [];
      const key = runKey(begun.operation.id, sandboxKey);
      const leave = liveCommands().subscribe(key, (event) => events.push(event));
      onTestFinished(leave);
      await eventually(() => JSON.stringify(events).includes('one'));
      const late: CommandEvent[] = [];
      onTestFinished(liveCommands().subscribe(key, (event) => late.push(event)));
      expect(late[0]).toMatchObject({ kind: 'output', stdout: { head: 'one\n' } });
      await eventually(() => events.some(({ kind }) => kind === 'ended'));
      expect(events.at(-1)).toMatchObject({
        kind: 'ended',
        outcome: 'partial',
        run: { exitCode: 5, stdout: { head: 'one\n' }, stderr: { head: 'two\n' } },
      });
      await finished(begun);
      const after: CommandEvent[] = [];
      onTestFinished(liveCommands().subscribe(key, (event) => after.push(event)));
      await eventually(() => after.length > 0);
      expect(after).toEqual([expect.objectContaining({ kind: 'ended', outcome: 'partial' })]);
    });

    it('is not published as running if it was never started', async () => {
      const sandboxKey = localKey('never-started');
      const operation = await recordNew([sandboxKey], {
        act: 'run',
        params: { command: 'true', limitMs: 60_000 },
      });
      const live = new LiveCommands();
      const feed = live.begin({ operationId: operation.id, sandboxKey }, Date.now());
      const events: CommandEvent[] = [];
      onTestFinished(live.subscribe(runKey(operation.id, sandboxKey), (event) => events.push(event)));
      expect(events.map(({ kind }) => kind)).toEqual(['output']);
      feed.leave();
      await eventually(() => events.at(-1)?.kind === 'waiting');
      await recordCancel(operation.id, 'ana', Date.now());
      await eventually(() => events.at(-1)?.kind === 'ended');
      expect(events.at(-1)).toMatchObject({ outcome: 'cancelled', run: null });
    });

    it('is in the history, and is deleted with its operation', async () => {
      const { sandboxKey, begun } = await run('echo remembered');
      const history = await readCommandHistory(sandboxKey, 'user-ana');
      expect(history.entries).toEqual([
        expect.objectContaining({
          operationId: begun.operation.id,
          command: 'echo remembered',
          isMine: true,
          actor: 'ana',
          sandboxCount: 1,
          outcome: 'done',
          exitCode: 0,
        }),
      ]);
      expect(history.typed[0]).toBe('echo remembered');
      expect((await readCommandHistory(sandboxKey, 'user-ben')).typed).toEqual([]);
      await forgetOperationsBefore(Date.now() + 1_000);
      expect(await findCommand({ operationId: begun.operation.id, sandboxKey })).toBeNull();
    });
  });
});
