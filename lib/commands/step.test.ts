import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FaultInput } from '../engine/faults';
import { canRun, type ProcessEngine, startProcessEngine } from '../engine/jail/test-process-engine';
import { fleetWatcher } from '../fleet/watcher';
import { findOperation, forgetOperationsBefore, listItems, recordCancel } from '../operations/record/store';
import type { ActParams, Operation, OperationItem } from '../operations/schema';
import { recordNew, waitingItem } from '../operations/test-operations';
import { OperationRunner } from '../operations/work/runner';
import { sandboxApi } from '../sandbox-api/configured';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, setUpDataDir } from '../test-support/environment';
import { LiveCommands, liveCommands } from './live';
import type { CommandEvent, CommandRecord } from './schema';
import { heldKey, outputAsText, runKey } from './schema';
import { findCommand, listStarted, readCommandHistory } from './store';

setUpDataDir();

let processEngine: ProcessEngine;
beforeAll(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  if (!canRun) return;
  processEngine = await startProcessEngine();
  process.env.SANDKEEPER_ENGINE_URL = processEngine.url;
  process.env.SANDKEEPER_ENGINE_KEY = processEngine.apiKey;
});
beforeEach(
  () => void onTestFinished(async () => void (await processEngine?.api('DELETE', '/engine/faults'))),
);

const engine = {
  create: async () => {
    const { json } = await processEngine.api('POST', '/sandboxes', { templateID: 'base', timeout: 300 });
    return (json as { sandboxID: string }).sandboxID;
  },
  detail: async (id: string) =>
    (await processEngine.api('GET', `/sandboxes/${id}`)).json as { state: string; endAt: string },
  pause: (id: string) => processEngine.api('POST', `/sandboxes/${id}/pause`),
  resume: (id: string) => processEngine.api('POST', `/sandboxes/${id}/resume`, { timeout: 300 }),
  kill: (id: string) => processEngine.api('DELETE', `/sandboxes/${id}`),
};
afterAll(() => fleetWatcher().close());

let opened = 0;

/** A runner, as in a separate process. */
function openRunner(owner?: string): OperationRunner {
  opened += 1;
  const runner = new OperationRunner({
    owner: owner ?? `process-${opened}`,
    maxConcurrency: 16,
    protectedKey: 'protected',
    keepMs: null,
    isShared: true,
    leaseMs: 6_000,
    syncMs: 200,
  });
  onTestFinished(() => runner.close());
  return runner;
}

type Told = { operation: Operation; item: (id: string) => Promise<OperationItem | undefined> };

/** Starts a command in sandboxes and returns its operation at once. */
async function begin(
  ids: string[],
  params: ActParams,
  runner = openRunner(),
  provoke = async () => {},
): Promise<Told> {
  const sandboxes = await Promise.all(ids.map(sandboxApi().getSandbox));
  await provoke();
  const operation = await recordNew(sandboxes, { act: 'run', params: { limitMs: 60_000, ...params } });
  runner.start(operation, ids.map(waitingItem));
  const item = async (id: string) =>
    (await listItems(operation.id)).find(({ sandboxId }) => sandboxId === id);
  return { operation, item };
}

async function finished({ operation }: Told): Promise<void> {
  await eventually(async () => (await findOperation(operation.id))?.state === 'finished', 40_000);
}

/** Runs a command in a new sandbox to its end. */
async function run(command: string, params: ActParams = {}) {
  const id = await engine.create();
  const begun = await begin([id], { command, ...params });
  await finished(begun);
  const item = await begun.item(id);
  return { id, item, run: await findCommand({ operationId: begun.operation.id, sandboxId: id }), begun };
}

const texts = (run: CommandRecord | null) => run && [outputAsText(run.stdout), outputAsText(run.stderr)];

/** Runs a script in a sandbox, apart from the commands under test. */
async function inside(id: string, script: string): Promise<void> {
  const envd = await sandboxApi().openEnvd(id);
  const command = { cmd: '/bin/sh', args: ['-c', script] };
  for await (const _ of envd.run(command, 10_000, AbortSignal.timeout(20_000)));
}

/** How often the command has run: it appends lines to `/tmp/count`. */
async function countIn(id: string): Promise<number> {
  const envd = await sandboxApi().openEnvd(id);
  let text = '';
  const command = { cmd: '/bin/sh', args: ['-c', 'cat /tmp/count 2>/dev/null || true'] };
  for await (const event of envd.run(command, 10_000, AbortSignal.timeout(20_000)))
    if (event.kind === 'stdout') text += event.bytes.toString();
  return text.split('\n').filter(Boolean).length;
}

async function fault(input: FaultInput): Promise<void> {
  expect((await processEngine.api('POST', '/engine/faults', input)).status).toBe(201);
}

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
      const { id, begun } = await run(late);
      const events: CommandEvent[] = [];
      const key = heldKey(begun.operation.id, id);
      onTestFinished(liveCommands().subscribe(key, (event) => events.push(event)));
      await eventually(() => events.some(({ kind }) => kind === 'output'));
      await inside(id, 'touch /tmp/go');
      await eventually(() => events.some(({ kind }) => kind === 'released'));
      const written = events.flatMap((event) => (event.kind === 'more' ? (event.stdout?.text ?? '') : []));
      expect(written.join('')).toBe('late\n');
      expect(events.at(-1)).toEqual({
        kind: 'released',
        message: 'The background process has closed the output.',
      });
      const record = await findCommand({ operationId: begun.operation.id, sandboxId: id });
      expect(texts(record)).toEqual(['early\n', '']);
    });

    it('continues over a pause of its sandbox, whose time does not count', async () => {
      const id = await engine.create();
      const command = 'echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 4';
      const begun = await begin([id], { command, limitMs: 6_000 });
      const events: CommandEvent[] = [];
      const key = runKey(begun.operation.id, id);
      onTestFinished(liveCommands().subscribe(key, (event) => events.push(event)));
      await eventually(() => events.some((event) => event.kind === 'more' && event.stdout?.text === 'one\n'));
      await engine.pause(id);
      await eventually(() => events.some(({ kind }) => kind === 'interrupted'));
      expect(events.find(({ kind }) => kind === 'interrupted')).toMatchObject({
        message: 'The sandbox is paused. The command continues when the sandbox is resumed.',
      });
      expect((await engine.detail(id)).state).toBe('paused');
      await new Promise((resolve) => setTimeout(resolve, 6_500));
      await engine.resume(id);
      await eventually(() => events.at(-1)?.kind === 'output');
      await inside(id, 'touch /tmp/go');
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({
        outcome: 'partial',
        message: expect.stringContaining('Exit code 4. It was interrupted by a pause'),
      });
      const record = await findCommand({ operationId: begun.operation.id, sandboxId: id });
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
      const id = await engine.create();
      const shown = await sandboxApi().getSandbox(id);
      await engine.pause(id);
      const operation = await recordNew([shown], { act: 'run', params: { command: 'true' } });
      openRunner().start(operation, [waitingItem(id)]);
      await eventually(async () => (await findOperation(operation.id))?.state === 'finished');
      expect((await listItems(operation.id))[0]).toMatchObject({
        outcome: 'skipped',
        message: 'Skipped: it was running and is now paused.',
      });
      expect((await engine.detail(id)).state).toBe('paused');
    });

    it('does not change the deadline', async () => {
      const id = await engine.create();
      const { endAt } = await engine.detail(id);
      await finished(await begin([id], { command: 'true' }));
      expect((await engine.detail(id)).endAt).toBe(endAt);
    });

    it('retries while the service throttles, and runs once', async () => {
      const id = await engine.create();
      const begun = await begin([id], { command: 'echo x >> /tmp/count' }, openRunner(), () =>
        fault({ route: `GET /sandboxes/${id}`, status: 429, count: 2 }),
      );
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({ outcome: 'done' });
      expect(await countIn(id)).toBe(1);
    });

    it('runs once after refusals before its start', async () => {
      const id = await engine.create();
      await fault({ route: 'POST /process.Process/Start', status: 429, count: 2 });
      const begun = await begin([id], { command: 'echo x >> /tmp/count' });
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({ outcome: 'done' });
      expect(await countIn(id)).toBe(1);
    });

    it.each([{ reset: true }, { status: 503 }])(
      'is not sent again if its start is uncertain: %j',
      async (trouble) => {
        const id = await engine.create();
        await fault({ route: 'POST /process.Process/Start', count: 1, ...trouble });
        const begun = await begin([id], { command: 'echo x >> /tmp/count' });
        await finished(begun);
        expect(await begun.item(id)).toMatchObject({
          outcome: 'unknown',
          message: expect.stringContaining('not sent again'),
        });
        expect(await listStarted(begun.operation.id)).toEqual(new Set([id]));
        expect(await countIn(id)).toBeLessThanOrEqual(1);
      },
    );

    it('is killed when the operation is stopped, and waiting ones are not sent', async () => {
      const id = await engine.create();
      const runner = openRunner();
      const begun = await begin([id], { command: 'echo x >> /tmp/count; exec sleep 300' }, runner);
      await eventually(async () => (await countIn(id)) === 1);
      await recordCancel(begun.operation.id, 'ben', Date.now());
      runner.cancel(begun.operation.id, 'ben', Date.now());
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({
        outcome: 'cancelled',
        message: expect.stringContaining('was killed (SIGKILL)'),
      });
      const envd = await sandboxApi().openEnvd(id);
      expect(await envd.listProcesses(AbortSignal.timeout(10_000))).toEqual([]);
    });

    it('is unknown and not run again if its process died while it ran', async () => {
      const id = await engine.create();
      const first = openRunner('dying');
      const begun = await begin(
        [id],
        { command: 'echo x >> /tmp/count; sleep 2; echo x >> /tmp/other' },
        first,
      );
      await eventually(async () => (await countIn(id)) === 1);
      // Like the end of a process, closing does not kill running commands.
      await first.close();
      const second = openRunner('next');
      await second.open();
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({
        outcome: 'unknown',
        message: expect.stringContaining('not run again'),
      });
      expect(await countIn(id)).toBe(1);
      expect(await listStarted(begun.operation.id)).toEqual(new Set([id]));
    });

    it('is run by another process if its process died before it was sent', async () => {
      const id = await engine.create();
      const sandbox = await sandboxApi().getSandbox(id);
      await fault({ route: `GET /sandboxes/${id}`, latencyMs: 1_500, count: 1 });
      const operation = await recordNew([sandbox], {
        act: 'run',
        params: { command: 'echo x >> /tmp/count' },
      });
      const first = openRunner('dying-too');
      first.start(operation, [waitingItem(id)]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await first.close();
      const second = openRunner('next-too');
      await second.open();
      await eventually(async () => (await findOperation(operation.id))?.state === 'finished', 40_000);
      expect((await listItems(operation.id))[0]?.outcome).toBe('done');
      expect(await countIn(id)).toBe(1);
    });

    it('does not wait for a slow one', async () => {
      const ids = await Promise.all(Array.from({ length: 4 }, () => engine.create()));
      const [slow = '', ...others] = ids;
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
      const id = await engine.create();
      const runner = openRunner();
      const begun = await begin([id], { command: 'exec sleep 300' }, runner);
      await eventually(async () => (await begun.item(id)) !== undefined);
      expect(runner.busyIds()).toEqual(new Set());
      await engine.kill(id);
      await finished(begun);
      expect(await begun.item(id)).toMatchObject({ outcome: expect.stringMatching(/unknown|failed/) });
    });

    it('publishes the output so far, then new output, then its end', async () => {
      const id = await engine.create();
      const begun = await begin([id], { command: 'echo one; sleep 1.2; echo two >&2; sleep 0.3; exit 5' });
      const events: CommandEvent[] = [];
      const key = runKey(begun.operation.id, id);
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
      const id = 'never-started';
      const operation = await recordNew([id], { act: 'run', params: { command: 'true', limitMs: 60_000 } });
      const live = new LiveCommands();
      const feed = live.begin({ operationId: operation.id, sandboxId: id }, Date.now());
      const events: CommandEvent[] = [];
      onTestFinished(live.subscribe(runKey(operation.id, id), (event) => events.push(event)));
      expect(events.map(({ kind }) => kind)).toEqual(['output']);
      feed.leave();
      await eventually(() => events.at(-1)?.kind === 'waiting');
      await recordCancel(operation.id, 'ana', Date.now());
      await eventually(() => events.at(-1)?.kind === 'ended');
      expect(events.at(-1)).toMatchObject({ outcome: 'cancelled', run: null });
    });

    it('is in the history, and is deleted with its operation', async () => {
      const { id, begun } = await run('echo remembered');
      const history = await readCommandHistory(id, 'ana');
      expect(history.entries).toEqual([
        expect.objectContaining({
          operationId: begun.operation.id,
          command: 'echo remembered',
          actor: 'ana',
          sandboxCount: 1,
          outcome: 'done',
          exitCode: 0,
        }),
      ]);
      expect(history.typed[0]).toBe('echo remembered');
      expect((await readCommandHistory(id, 'ben')).typed).toEqual([]);
      await forgetOperationsBefore(Date.now() + 1_000);
      expect(await findCommand({ operationId: begun.operation.id, sandboxId: id })).toBeNull();
    });
  });
});
