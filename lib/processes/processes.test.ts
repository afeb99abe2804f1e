import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { database } from '../db/client';
import { canRun, type ProcessEngine, startProcessEngine } from '../engine/jail/test-process-engine';
import { fleetWatcher } from '../fleet/watchers';
import { idOf, type SandboxKey } from '../sandbox-key';
import { eventually, localKey, setUpDataDir, thrownBy } from '../test-support/environment';
import { someone } from '../test-support/people';
import { ProcessAttachments, processAttachments } from './attachments';
import { listInside, readInside } from './inside';
import { isOwnReading, LIST_SCRIPTS } from './inside-scripts';
import { signalInside } from './inside-signal';
import { listProcesses, signalProcess } from './list';
import { ReadingLog } from './reading-log';
import { type AttachmentEvent, type InsideProcess, processKey } from './schema';

setUpDataDir();
const ana = someone('ana', 'operator');
const timeout = () => AbortSignal.timeout(120_000);

let engine: ProcessEngine;
beforeAll(async () => {
  if (!canRun) return;
  engine = await startProcessEngine();
  process.env.SANDKEEPER_ENGINE_URL = engine.url;
  process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
});

/** Creates a sandbox with one background command. */
async function withRunning(command: string) {
  const sandbox = await engine.create();
  const handle = await sandbox.commands.run(command, { background: true, timeoutMs: 0, cwd: '/tmp' });
  const sandboxKey = localKey(sandbox.sandboxId);
  const { processes } = await listProcesses(sandboxKey, timeout());
  const info = processes.find(({ pid }) => pid === handle.pid);
  if (!info) throw new Error('The command is not listed.');
  return { sandbox, handle, sandboxKey, pid: handle.pid, info };
}

async function auditedIn(sandboxKey: SandboxKey): Promise<string[]> {
  const rows = await (await database())
    .selectFrom('access_log')
    .select(['actor', 'kind', 'detail'])
    .where('sandbox_key', '=', sandboxKey)
    .orderBy('id')
    .execute();
  return rows.map(({ actor, kind, detail }) => `${actor} ${kind} ${detail}`);
}

afterAll(() => fleetWatcher('local').close());

describe.runIf(canRun)('processes', () => {
  it('lists a process with its command line and mark', async () => {
    const { info, pid } = await withRunning("exec sleep 300 # it's");
    expect(info).toEqual({
      pid,
      command: `/bin/bash -l -c 'exec sleep 300 # it'\\''s'`,
      cwd: '/tmp',
      tag: null,
      mark: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('signals a process and records it', async () => {
    const { sandboxKey, pid, info } = await withRunning('exec sleep 300');
    await signalProcess(ana, { sandboxKey, pid, mark: info.mark, signal: 'TERM' }, timeout());
    await eventually(async () => (await listProcesses(sandboxKey, timeout())).processes.length === 0);
    expect(await auditedIn(sandboxKey)).toEqual([`ana process-signalled SIGTERM to ${pid}: ${info.command}`]);
  });

  it('does not signal a process that has ended or whose pid was reused', async () => {
    const { sandboxKey, pid, info, sandbox } = await withRunning('exec sleep 300');
    const other = { sandboxKey, pid, mark: 'x'.repeat(43), signal: 'KILL' } as const;
    expect(await thrownBy(() => signalProcess(ana, other, timeout()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('a different process now'),
    });
    expect((await listProcesses(sandboxKey, timeout())).processes).toHaveLength(1);
    await sandbox.commands.kill(pid);
    await eventually(async () => (await listProcesses(sandboxKey, timeout())).processes.length === 0);
    const gone = { ...other, mark: info.mark };
    expect(await thrownBy(() => signalProcess(ana, gone, timeout()))).toMatchObject({ code: 'conflict' });
    expect(await auditedIn(sandboxKey)).toEqual([]);
  });

  it('lists child processes from inside the sandbox', async () => {
    const { sandboxKey, pid } = await withRunning('sleep 301 & sleep 300; true');
    const isChild = ({ command }: InsideProcess) => /^sleep 30/.test(command);
    await eventually(
      async () => (await listInside(sandboxKey, timeout())).processes.filter(isChild).length === 2,
    );
    const { processes, isCut } = await listInside(sandboxKey, timeout());
    expect(isCut).toBe(false);
    const children = processes.filter(isChild);
    expect(children.map(({ parentPid }) => parentPid)).toEqual([pid, pid]);
    for (const child of children) {
      expect(child).toMatchObject({ state: 'S', hasTerminal: false });
      expect(child.memoryBytes).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - child.startedAtMs)).toBeLessThan(60_000);
    }
    // The shell that reads the list does not list itself.
    expect(processes.filter(({ command }) => command.includes('--noprofile'))).toEqual([]);
  });

  it('lists the same processes with either shell, and not those that read them', async () => {
    const { sandboxKey, pid } = await withRunning('sleep 301 & sleep 300; true');
    // A process that has just been forked still has the command of its parent.
    await expect
      .poll(async () =>
        (await listInside(sandboxKey, timeout(), [...LIST_SCRIPTS])).processes.map(({ command }) => command),
      )
      .toEqual(expect.arrayContaining(['sleep 300', 'sleep 301']));
    const lists = await Promise.all(
      LIST_SCRIPTS.map(async (script) => {
        const { processes, isCut } = await listInside(sandboxKey, timeout(), [script]);
        expect(isCut).toBe(false);
        const isOf = ({ command, isEssential }: InsideProcess) => isEssential || /sleep 30/.test(command);
        return processes.filter(isOf).map(({ startedAtMs, cpuMs, memoryBytes, state, ...known }) => known);
      }),
    );
    expect(lists[0]).toEqual(lists[1]);
    const essential = lists[0]?.filter(({ isEssential }) => isEssential) ?? [];
    expect(essential.map((process) => process.pid)).toContain(1);
    expect(essential.at(-1)?.command).toContain('envd');
    expect(lists[0]?.find((process) => process.pid === pid)?.parentPid).toBe(essential.at(-1)?.pid);
    // A shell that does not exist is skipped.
    const none = { cmd: '/bin/no-shell', args: [] };
    expect(
      (await listInside(sandboxKey, timeout(), [none, ...LIST_SCRIPTS])).processes.length,
    ).toBeGreaterThan(2);
    expect(LIST_SCRIPTS.map(isOwnReading)).toEqual([true, true]);
    expect(isOwnReading(none)).toBe(false);
  });

  it('signals any process inside and records its real command', async () => {
    const { sandboxKey } = await withRunning('sleep 301 & sleep 300; true');
    const find = async (command: RegExp) =>
      (await listInside(sandboxKey, timeout())).processes.find((process) => command.test(process.command));
    await eventually(async () => (await find(/^sleep 301/)) !== undefined);
    const child = await find(/^sleep 301/);
    if (!child) throw new Error('The child is not listed.');
    const { pid, startTicks } = child;
    const request = { sandboxKey, pid, startTicks, signal: 'KILL' } as const;
    const other = signalInside(ana, { ...request, startTicks: startTicks + 1 }, timeout());
    expect(await thrownBy(() => other)).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('different process'),
    });
    expect(await auditedIn(sandboxKey)).toEqual([]);
    await signalInside(ana, request, timeout());
    await eventually(async () => (await find(/^sleep 301/)) === undefined);
    expect(await find(/^sleep 300/)).toBeDefined();
    expect(await auditedIn(sandboxKey)).toEqual([`ana process-signalled SIGKILL to ${pid}: sleep 301`]);
    expect(await thrownBy(() => signalInside(ana, request, timeout()))).toMatchObject({
      code: 'conflict',
      message: `Process ${pid} has already ended.`,
    });
  });

  it('does not signal the processes that the sandbox needs', async () => {
    const { sandboxKey } = await withRunning('exec sleep 300');
    const { processes } = await listInside(sandboxKey, timeout());
    for (const { pid, startTicks } of processes.filter(({ isEssential }) => isEssential)) {
      const request = { sandboxKey, pid, startTicks, signal: 'KILL' } as const;
      expect(await thrownBy(() => signalInside(ana, request, timeout()))).toMatchObject({
        message: `The sandbox cannot be reached without process ${pid}. Kill the sandbox instead.`,
      });
    }
    expect(await auditedIn(sandboxKey)).toEqual([]);
  });

  it('does not read or wake a paused sandbox', async () => {
    const { sandboxKey } = await withRunning('exec sleep 300');
    await engine.api('POST', `/sandboxes/${idOf(sandboxKey)}/pause`);
    expect(await thrownBy(() => listProcesses(sandboxKey, timeout()))).toMatchObject({ code: 'conflict' });
    expect(await thrownBy(() => listInside(sandboxKey, timeout()))).toMatchObject({ code: 'conflict' });
    expect((await engine.api('GET', `/sandboxes/${idOf(sandboxKey)}`)).json).toMatchObject({
      state: 'paused',
    });
  });
});

describe.runIf(canRun)('an attachment', () => {
  const SCRIPT =
    'echo before; until [ -e /tmp/go ]; do sleep 0.05; done; echo after; until [ -e /tmp/end ]; do sleep 0.05; done; exit 4';

  it('publishes the output from the first subscription on, and the end', async () => {
    const { sandbox, handle, sandboxKey, pid, info } = await withRunning(SCRIPT);
    await eventually(() => handle.stdout.includes('before'));
    const key = processKey({ sandboxKey, pid, mark: info.mark });
    const events: AttachmentEvent[] = [];
    onTestFinished(processAttachments().subscribe(key, ana, (event) => events.push(event)));
    await eventually(() => events.some(({ kind }) => kind === 'output'));
    expect(events[0]).toMatchObject({ kind: 'output', text: { head: '' } });
    await sandbox.files.write('/tmp/go', '');
    await eventually(() => JSON.stringify(events).includes('after'));
    const late: AttachmentEvent[] = [];
    onTestFinished(processAttachments().subscribe(key, someone('ben'), (event) => late.push(event)));
    await eventually(() => late.length > 0);
    expect(late[0]).toMatchObject({ kind: 'output', text: { head: 'after\n' } });
    await sandbox.files.write('/tmp/end', '');
    await eventually(() => events.at(-1)?.kind === 'ended');
    expect(events.at(-1)).toEqual({ kind: 'ended', words: 'It ended with exit code 4.' });
    expect(JSON.stringify(events)).not.toContain('before');
    expect(processAttachments().size).toBe(0);
    expect(await auditedIn(sandboxKey)).toEqual([
      `ana process-attached Process ${pid}: ${info.command}`,
      `ben process-attached Process ${pid}`,
    ]);
  });

  it('continues over a pause, for those who came before and during it', async () => {
    const { sandbox, sandboxKey, pid, info } = await withRunning(SCRIPT);
    const key = processKey({ sandboxKey, pid, mark: info.mark });
    const events: Record<string, AttachmentEvent[]> = { ana: [], ben: [] };
    const follow = (actor: 'ana' | 'ben') =>
      onTestFinished(
        processAttachments().subscribe(key, someone(actor), (event) => events[actor]?.push(event)),
      );
    const last = (actor: 'ana' | 'ben') => events[actor]?.at(-1);
    follow('ana');
    await eventually(() => last('ana')?.kind === 'output');
    expect(last('ana')).toMatchObject({ continuedMs: null });
    await engine.api('POST', `/sandboxes/${idOf(sandboxKey)}/pause`);
    await eventually(() => last('ana')?.kind === 'waiting');
    expect(last('ana')).toMatchObject({ words: expect.stringContaining('paused') });
    follow('ben');
    await eventually(() => last('ben')?.kind === 'waiting' || last('ben')?.kind === 'output');
    await engine.api('POST', `/sandboxes/${idOf(sandboxKey)}/resume`, { timeout: 300 });
    await eventually(() => last('ana')?.kind === 'output');
    expect(last('ana')).toMatchObject({ continuedMs: expect.any(Number) });
    await sandbox.files.write('/tmp/go', '');
    await eventually(() =>
      [events.ana, events.ben].every((received) => JSON.stringify(received).includes('after')),
    );
    await sandbox.files.write('/tmp/end', '');
    await eventually(() => last('ana')?.kind === 'ended' && last('ben')?.kind === 'ended');
    expect(last('ben')).toEqual({ kind: 'ended', words: 'It ended with exit code 4.' });
    expect(processAttachments().size).toBe(0);
  });

  it('waits when it begins during a pause', async () => {
    const { sandboxKey, pid, info } = await withRunning('exec sleep 300');
    await engine.api('POST', `/sandboxes/${idOf(sandboxKey)}/pause`);
    const events: AttachmentEvent[] = [];
    const key = processKey({ sandboxKey, pid, mark: info.mark });
    const leave = processAttachments().subscribe(key, ana, (event) => events.push(event));
    await eventually(() => events.at(-1)?.kind === 'waiting');
    expect(await auditedIn(sandboxKey)).toEqual([]);
    await engine.api('POST', `/sandboxes/${idOf(sandboxKey)}/resume`, { timeout: 300 });
    await eventually(() => events.at(-1)?.kind === 'output');
    leave();
    expect(processAttachments().size).toBe(0);
  });

  it('does not end the process when the last subscriber leaves', async () => {
    const { sandboxKey, pid, info } = await withRunning('exec sleep 300');
    const events: AttachmentEvent[] = [];
    const leave = processAttachments().subscribe(
      processKey({ sandboxKey, pid, mark: info.mark }),
      ana,
      (event) => events.push(event),
    );
    await eventually(() => events.length > 0);
    leave();
    expect(processAttachments().size).toBe(0);
    expect((await listProcesses(sandboxKey, timeout())).processes).toHaveLength(1);
  });

  it('refuses another process and malformed keys', async () => {
    const { sandboxKey, pid } = await withRunning('exec sleep 300');
    for (const key of [
      processKey({ sandboxKey, pid, mark: 'x'.repeat(43) }),
      'nonsense',
      `${sandboxKey} 1`,
      '',
    ]) {
      const events: AttachmentEvent[] = [];
      processAttachments().subscribe(key, ana, (event) => events.push(event));
      await eventually(() => events.length > 0);
      expect(events).toEqual([{ kind: 'refused', message: expect.any(String) }]);
    }
    expect(await auditedIn(sandboxKey)).toEqual([]);
  });

  it('refuses all subscribers of a process that cannot be attached to', async () => {
    const { sandboxKey, pid } = await withRunning('exec sleep 300');
    const key = processKey({ sandboxKey, pid, mark: 'x'.repeat(43) });
    const events: Record<string, AttachmentEvent[]> = { ana: [], ben: [] };
    for (const [actor, received] of Object.entries(events))
      processAttachments().subscribe(key, someone(actor), (event) => received.push(event));
    await eventually(() => Object.values(events).every(({ length }) => length > 0));
    expect(events.ben).toEqual(events.ana);
    expect(events.ben).toEqual([{ kind: 'refused', message: expect.any(String) }]);
    expect(await auditedIn(sandboxKey)).toEqual([]);
    expect(processAttachments().size).toBe(0);
  });

  it('publishes nothing to a subscriber before the access is recorded', async () => {
    const { sandbox, sandboxKey, pid, info } = await withRunning(SCRIPT);
    const key = processKey({ sandboxKey, pid, mark: info.mark });
    const settle: { [actor: string]: (error?: Error) => void } = {};
    const attachments = new ProcessAttachments((subscriber) => {
      if (subscriber?.actor === 'ana') return Promise.resolve();
      return new Promise((resolve, reject) => {
        settle[subscriber?.actor ?? ''] = (error) => (error ? reject(error) : resolve());
      });
    });
    const events: Record<string, AttachmentEvent[]> = { ana: [], ben: [], cem: [] };
    for (const [actor, received] of Object.entries(events))
      onTestFinished(attachments.subscribe(key, someone(actor), (event) => received.push(event)));
    await eventually(() => (events.ana?.length ?? 0) > 0);
    await sandbox.files.write('/tmp/go', '');
    await eventually(() => JSON.stringify(events.ana).includes('after'));
    await sandbox.files.write('/tmp/end', '');
    await eventually(() => events.ana?.at(-1)?.kind === 'ended');
    expect([events.ben, events.cem]).toEqual([[], []]);
    settle.ben?.();
    settle.cem?.(new Error('the database is away'));
    await eventually(() => events.ben?.length === 2 && events.cem?.length === 1);
    expect(events.ben).toMatchObject([
      { kind: 'output', text: { head: expect.stringContaining('after\n') } },
      { kind: 'ended' },
    ]);
    expect(events.cem).toMatchObject([{ kind: 'refused' }]);
  });
});

describe('ReadingLog', () => {
  it('records a refreshing list once in ten minutes, for each person and sandbox', async () => {
    const recorded: string[] = [];
    const clock = { nowMs: 0 };
    const log = new ReadingLog({
      recordAccess: async (person, { sandboxKey }) => void recorded.push(`${person?.actor} ${sandboxKey}`),
      now: () => clock.nowMs,
    });
    for (let time = 0; time < 5; time += 1) await log.record(ana, 'local/i1');
    await log.record(ana, 'local/i2');
    await log.record(someone('ben'), 'local/i1');
    clock.nowMs = 10 * 60_000;
    await log.record(ana, 'local/i1');
    expect(recorded).toEqual(['ana local/i1', 'ana local/i2', 'ben local/i1', 'ana local/i1']);
  });
});

describe('readInside', () => {
  const STAT = '(a) b (c) S 7 42 42 34816 42 0 0 0 0 0 150 50 0 0 20 0 1 0 3000 1000 25 0';

  it('parses a process, whatever its name contains', () => {
    expect(readInside(`100.5 \0${2}\0${42}\0${1000}\0${42} ${STAT}\0\0`, 1_000_000)).toEqual([
      {
        pid: 42,
        parentPid: 7,
        command: '[a) b (c]',
        uid: 1000,
        state: 'S',
        startTicks: 3000,
        startedAtMs: 1_000_000 - 100_500 + 30_000,
        cpuMs: 2_000,
        memoryBytes: 25 * 4096,
        hasTerminal: true,
        isEssential: false,
      },
    ]);
  });

  it.each(['', 'nonsense', '\0\0\0'])('returns null for %j', (text) => {
    expect(readInside(text, 0)).toBeNull();
  });

  it('skips malformed processes only', () => {
    expect(readInside(`1\0${2}\0x\0y\0z\0w\0${42}\0${0}\0${42} ${STAT}\0cmd\0`, 0)).toMatchObject([
      { pid: 42 },
    ]);
  });
});
