import { describe, expect, it, onTestFinished } from 'vitest';
import { canRun } from '../engine/jail/test-process-engine';
import { findOperation, listItems } from '../operations/record/store';
import { recordNew, waitingItem } from '../operations/test-operations';
import { apiOf } from '../sandbox-api/configured';
import { idOf } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { eventually } from '../test-support/environment';
import { liveCommands } from './live';
import type { CommandEvent } from './schema';
import { runKey } from './schema';
import { findCommand, listStarted } from './store';
import { setUpCommands, texts } from './test-commands';

const { engine, openRunner, begin, finished, run, inside, countIn, fault } = setUpCommands();

describe.skipIf(!canRun)('commands', () => {
  describeOnDatabases('a command', () => {
    it('records its exit code and both outputs separately', async () => {
      const { item, run: ended } = await run('echo out; echo err >&2; exit 3');
      expect(item).toMatchObject({ outcome: 'partial', message: 'Exit code 3.' });
      expect(ended).toMatchObject({ ending: 'exited', exitCode: 3, signal: null });
      expect(texts(ended)).toEqual(['out\n', 'err\n']);
      expect(ended?.tookMs).toBeGreaterThanOrEqual(0);
    });

    it('passes the text to the shell unchanged and starts in the working directory', async () => {
      const { run: ended } = await run(`printf '%s|' "it's" '$HOME' 'a b'; pwd`, { cwd: '/tmp' });
      expect(texts(ended)).toEqual(["it's|$HOME|a b|/tmp\n", '']);
    });

    it('records the signal that ended it', async () => {
      const { item, run: ended } = await run('kill -KILL $$');
      expect(item).toMatchObject({ outcome: 'partial', message: 'It was ended by a signal: killed.' });
      expect(ended).toMatchObject({ ending: 'signalled', exitCode: null, signal: 'killed' });
    });

    it('is killed at its time limit', async () => {
      const { item, run: ended } = await run('echo before; exec sleep 300', { limitMs: 1_500 });
      expect(item).toMatchObject({ outcome: 'unknown', message: expect.stringContaining('time limit') });
      expect(ended).toMatchObject({ ending: 'limit', exitCode: null });
      expect(texts(ended)).toEqual(['before\n', '']);
      expect(ended?.tookMs).toBeLessThan(20_000);
    });

    it.each([
      ["nohup sh -c 'sleep 300' & exit 3", 3, 'partial', ''],
      ['sleep 300 & echo started', 0, 'done', 'started\n'],
    ] as const)('ends with its shell although a background process holds its output: %s', async (...row) => {
      const [command, exitCode, outcome, stdout] = row;
      const { item, run: ended } = await run(command);
      expect(item).toMatchObject({
        outcome,
        message: `Exit code ${exitCode}. Output is still held open by a background process.`,
      });
      expect(ended).toMatchObject({ ending: 'held', exitCode });
      expect(texts(ended)?.[0]).toBe(stdout);
      expect(ended?.tookMs).toBeLessThan(15_000);
    });

    it('publishes what a background process writes after the end of its shell, and when it closes the output', async () => {
      const late = '(until [ -e /tmp/go ]; do sleep 0.1; done; echo late) & echo early';
      const { sandboxKey, begun } = await run(late);
      const events: CommandEvent[] = [];
      const key = runKey(begun.operation.id, sandboxKey);
      onTestFinished(liveCommands().subscribeToHeld(key, (event) => events.push(event)));
      await eventually(() => events.some(({ kind }) => kind === 'output'));
      await inside(sandboxKey, 'touch /tmp/go');
      await eventually(() => events.some(({ kind }) => kind === 'released'));
      const written = events.flatMap((event) => (event.kind === 'more' ? (event.stdout?.text ?? '') : []));
      expect(written.join('')).toBe('late\n');
      expect(events.at(-1)).toEqual({
        kind: 'released',
        message: 'The background process has closed the output.',
      });
      const record = await findCommand({ operationId: begun.operation.id, sandboxKey });
      expect(texts(record)).toEqual(['early\n', '']);
    });

    it('continues over a pause of its sandbox, whose time does not count', async () => {
      const sandboxKey = await engine.create();
      const command = 'echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 4';
      const begun = await begin([sandboxKey], { command, limitMs: 6_000 });
      const events: CommandEvent[] = [];
      const key = runKey(begun.operation.id, sandboxKey);
      onTestFinished(liveCommands().subscribe(key, (event) => events.push(event)));
      await eventually(() => events.some((event) => event.kind === 'more' && event.stdout?.text === 'one\n'));
      await engine.pause(sandboxKey);
      await eventually(() => events.some(({ kind }) => kind === 'interrupted'));
      expect(events.find(({ kind }) => kind === 'interrupted')).toMatchObject({
        message: 'The sandbox is paused. The command continues when the sandbox is resumed.',
      });
      expect((await engine.detail(sandboxKey)).state).toBe('paused');
      await new Promise((resolve) => setTimeout(resolve, 6_500));
      await engine.resume(sandboxKey);
      await eventually(() => events.at(-1)?.kind === 'output');
      await inside(sandboxKey, 'touch /tmp/go');
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({
        outcome: 'partial',
        message: expect.stringContaining('Exit code 4. It was interrupted by a pause'),
      });
      const record = await findCommand({ operationId: begun.operation.id, sandboxKey });
      expect(texts(record)).toEqual(['one\ntwo\n', '']);
    });

    it('fails and can be retried if it cannot be started', async () => {
      const { item, begun } = await run('true', { cwd: '/nowhere' });
      expect(item).toMatchObject({ outcome: 'failed', message: expect.stringContaining('not started') });
      expect(await listStarted(begun.operation.id)).toEqual(new Set());
    });

    it('keeps the beginning and the end of a long output, and the number of omitted bytes', async () => {
      const { run: ended } = await run(
        'echo first; head -c 1000000 /dev/zero | tr "\\\\0" x; echo; echo last',
      );
      const { stdout } = ended ?? {};
      expect(stdout?.totalBytes).toBe(1_000_012);
      expect(stdout?.head.startsWith('first\nxxx')).toBe(true);
      expect(stdout?.tail.endsWith('xxx\nlast\n')).toBe(true);
      expect(stdout?.leftOutBytes).toBe(1_000_012 - 2 * 128 * 1024);
    });

    it('marks invalid UTF-8 in its output', async () => {
      const { run: ended } = await run(`printf 'a\\377\\000b'; printf 'ä' >&2`);
      expect(ended?.stdout).toMatchObject({ head: 'a\uFFFD\0b', isBroken: true });
      expect(ended?.stderr).toMatchObject({ head: 'ä', isBroken: false });
    });

    it('never runs in a paused sandbox and never wakes it', async () => {
      const sandboxKey = await engine.create();
      const shown = await apiOf(sandboxKey).getSandbox(sandboxKey);
      await engine.pause(sandboxKey);
      const operation = await recordNew([shown], { act: 'run', params: { command: 'true' } });
      openRunner().start(operation, [waitingItem(sandboxKey)]);
      await eventually(async () => (await findOperation(operation.id))?.state === 'finished');
      expect((await listItems(operation.id))[0]).toMatchObject({
        outcome: 'skipped',
        message: 'Skipped: it was running and is now paused.',
      });
      expect((await engine.detail(sandboxKey)).state).toBe('paused');
    });

    it('does not change the deadline', async () => {
      const sandboxKey = await engine.create();
      const { endAt } = await engine.detail(sandboxKey);
      await finished(await begin([sandboxKey], { command: 'true' }));
      expect((await engine.detail(sandboxKey)).endAt).toBe(endAt);
    });

    it('retries while the service throttles, and runs once', async () => {
      const sandboxKey = await engine.create();
      const begun = await begin([sandboxKey], { command: 'echo x >> /tmp/count' }, openRunner(), () =>
        fault({ route: `GET /sandboxes/${idOf(sandboxKey)}`, status: 429, count: 2 }),
      );
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({ outcome: 'done' });
      expect(await countIn(sandboxKey)).toBe(1);
    });

    it('runs once after refusals before its start', async () => {
      const sandboxKey = await engine.create();
      await fault({ route: 'POST /process.Process/Start', status: 429, count: 2 });
      const begun = await begin([sandboxKey], { command: 'echo x >> /tmp/count' });
      await finished(begun);
      expect(await begun.item(sandboxKey)).toMatchObject({ outcome: 'done' });
      expect(await countIn(sandboxKey)).toBe(1);
    });

    it.each([{ reset: true }, { status: 503 }])(
      'is not sent again if its start is uncertain: %j',
      async (trouble) => {
        const sandboxKey = await engine.create();
        await fault({ route: 'POST /process.Process/Start', count: 1, ...trouble });
        const begun = await begin([sandboxKey], { command: 'echo x >> /tmp/count' });
        await finished(begun);
        expect(await begun.item(sandboxKey)).toMatchObject({
          outcome: 'unknown',
          message: expect.stringContaining('not sent again'),
        });
        expect(await listStarted(begun.operation.id)).toEqual(new Set([sandboxKey]));
        expect(await countIn(sandboxKey)).toBeLessThanOrEqual(1);
      },
    );
  });
});
