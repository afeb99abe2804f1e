import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../access/sessions';
import { openSession } from '../access/sessions';
import { database } from '../db/client';
import { canRun, type ProcessEngine, startProcessEngine } from '../engine/jail/test-process-engine';
import { eventually, setUpDataDir, thrownBy } from '../test-support/environment';
import { ProcessAttachments, processAttachments } from './attachments';
import { listInside, readInside } from './inside';
import { listProcesses, signalProcess } from './list';
import { type InsideProcess, type ProcessEvent, processKey } from './schema';

setUpDataDir();
const ana = { id: 'session', actor: 'ana', role: 'operator' } as Session;
const soon = () => AbortSignal.timeout(20_000);

let house: ProcessEngine;
beforeAll(async () => {
  if (!canRun) return;
  house = await startProcessEngine();
  process.env.SANDKEEPER_ENGINE_URL = house.url;
  process.env.SANDKEEPER_ENGINE_KEY = house.apiKey;
  await openSession({ role: 'operator', actor: 'ana' });
});

/** A sandbox in which one command runs in the background. */
async function withRunning(command: string) {
  const sandbox = await house.create();
  const handle = await sandbox.commands.run(command, { background: true, timeoutMs: 0, cwd: '/tmp' });
  const { processes } = await listProcesses(sandbox.sandboxId, soon());
  const info = processes.find(({ pid }) => pid === handle.pid);
  if (!info) throw new Error('It is not listed.');
  return { sandbox, handle, id: sandbox.sandboxId, pid: handle.pid, info };
}

async function noted(sandboxId: string): Promise<string[]> {
  const rows = await (await database())
    .selectFrom('access_log')
    .select(['actor', 'kind', 'detail'])
    .where('sandbox_id', '=', sandboxId)
    .orderBy('id')
    .execute();
  return rows.map(({ actor, kind, detail }) => `${actor} ${kind} ${detail}`);
}

describe.runIf(canRun)('processes', () => {
  it('are listed as they were started, with what tells one from another', async () => {
    const { info, pid } = await withRunning("exec sleep 300 # it's");
    expect(info).toEqual({
      pid,
      command: `/bin/bash -l -c 'exec sleep 300 # it'\\''s'`,
      cwd: '/tmp',
      tag: null,
      mark: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('are signalled, which is written down', async () => {
    const { id, pid, info } = await withRunning('exec sleep 300');
    await signalProcess(ana, { sandboxId: id, pid, mark: info.mark, signal: 'TERM' }, soon());
    await eventually(async () => (await listProcesses(id, soon())).processes.length === 0);
    expect(await noted(id)).toEqual([`ana process-signalled SIGTERM to ${pid}: ${info.command}`]);
  });

  it('are not signalled when another one has the number, or none', async () => {
    const { id, pid, info, sandbox } = await withRunning('exec sleep 300');
    const other = { sandboxId: id, pid, mark: 'x'.repeat(43), signal: 'KILL' } as const;
    expect(await thrownBy(() => signalProcess(ana, other, soon()))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('another one by now'),
    });
    expect((await listProcesses(id, soon())).processes).toHaveLength(1);
    await sandbox.commands.kill(pid);
    await eventually(async () => (await listProcesses(id, soon())).processes.length === 0);
    const gone = { ...other, mark: info.mark };
    expect(await thrownBy(() => signalProcess(ana, gone, soon()))).toMatchObject({ code: 'conflict' });
    expect(await noted(id)).toEqual([]);
  });

  it('are read from within, with all that they have started', async () => {
    const { id, pid } = await withRunning('sleep 301 & sleep 300; true');
    const isChild = ({ command }: InsideProcess) => /^sleep 30/.test(command);
    await eventually(async () => (await listInside(id, soon())).processes.filter(isChild).length === 2);
    const { processes, isCut } = await listInside(id, soon());
    expect(isCut).toBe(false);
    const children = processes.filter(isChild);
    expect(children.map(({ parentPid }) => parentPid)).toEqual([pid, pid]);
    for (const child of children) {
      expect(child).toMatchObject({ state: 'S', hasTerminal: false });
      expect(child.memoryBytes).toBeGreaterThan(0);
      expect(Math.abs(Date.now() - child.startedAtMs)).toBeLessThan(60_000);
    }
    // The shell that read them is not among them.
    expect(processes.filter(({ command }) => command.includes('--noprofile'))).toEqual([]);
  });

  it('paused with their sandbox are not read, and nothing is woken', async () => {
    const { id } = await withRunning('exec sleep 300');
    await house.api('POST', `/sandboxes/${id}/pause`);
    expect(await thrownBy(() => listProcesses(id, soon()))).toMatchObject({ code: 'conflict' });
    expect(await thrownBy(() => listInside(id, soon()))).toMatchObject({ code: 'conflict' });
    expect((await house.api('GET', `/sandboxes/${id}`)).json).toMatchObject({ state: 'paused' });
  });
});

describe.runIf(canRun)('an attachment', () => {
  const SCRIPT =
    'echo before; until [ -e /tmp/go ]; do sleep 0.05; done; echo after; until [ -e /tmp/end ]; do sleep 0.05; done; exit 4';

  it('tells what is written from then on, to whoever comes later too, and how it ended', async () => {
    const { sandbox, handle, id, pid, info } = await withRunning(SCRIPT);
    await eventually(() => handle.stdout.includes('before'));
    const key = processKey({ sandboxId: id, pid, mark: info.mark });
    const events: ProcessEvent[] = [];
    onTestFinished(processAttachments().listen(key, ana, (event) => events.push(event)));
    await eventually(() => events.some(({ kind }) => kind === 'output'));
    expect(events[0]).toMatchObject({ kind: 'output', text: { head: '' } });
    await sandbox.files.write('/tmp/go', '');
    await eventually(() => JSON.stringify(events).includes('after'));
    const late: ProcessEvent[] = [];
    onTestFinished(processAttachments().listen(key, { actor: 'ben' }, (event) => late.push(event)));
    await eventually(() => late.length > 0);
    expect(late[0]).toMatchObject({ kind: 'output', text: { head: 'after\n' } });
    await sandbox.files.write('/tmp/end', '');
    await eventually(() => events.at(-1)?.kind === 'ended');
    expect(events.at(-1)).toEqual({ kind: 'ended', words: 'It ended with exit code 4.' });
    expect(JSON.stringify(events)).not.toContain('before');
    expect(processAttachments().size).toBe(0);
    expect(await noted(id)).toEqual([
      `ana process-attached Process ${pid}: ${info.command}`,
      `ben process-attached Process ${pid}`,
    ]);
  });

  it('leaves the process alone when nobody looks any more', async () => {
    const { id, pid, info } = await withRunning('exec sleep 300');
    const events: ProcessEvent[] = [];
    const leave = processAttachments().listen(
      processKey({ sandboxId: id, pid, mark: info.mark }),
      ana,
      (event) => events.push(event),
    );
    await eventually(() => events.length > 0);
    leave();
    expect(processAttachments().size).toBe(0);
    expect((await listProcesses(id, soon())).processes).toHaveLength(1);
  });

  it('of another process, or of nonsense, is refused', async () => {
    const { id, pid } = await withRunning('exec sleep 300');
    for (const key of [processKey({ sandboxId: id, pid, mark: 'x'.repeat(43) }), 'nonsense', `${id} 1`, '']) {
      const events: ProcessEvent[] = [];
      processAttachments().listen(key, ana, (event) => events.push(event));
      await eventually(() => events.length > 0);
      expect(events).toEqual([{ kind: 'refused', message: expect.any(String) }]);
    }
    expect(await noted(id)).toEqual([]);
  });

  it('that is refused is refused to everybody who asked meanwhile', async () => {
    const { id, pid } = await withRunning('exec sleep 300');
    const key = processKey({ sandboxId: id, pid, mark: 'x'.repeat(43) });
    const heard: Record<string, ProcessEvent[]> = { ana: [], ben: [] };
    for (const [actor, events] of Object.entries(heard))
      processAttachments().listen(key, { actor }, (event) => events.push(event));
    await eventually(() => Object.values(heard).every((events) => events.length > 0));
    expect(heard.ben).toEqual(heard.ana);
    expect(heard.ben).toEqual([{ kind: 'refused', message: expect.any(String) }]);
    expect(await noted(id)).toEqual([]);
    expect(processAttachments().size).toBe(0);
  });

  it('shows nothing to anybody before that is written down, nor where it cannot be', async () => {
    const { sandbox, id, pid, info } = await withRunning(SCRIPT);
    const key = processKey({ sandboxId: id, pid, mark: info.mark });
    const ways: { [actor: string]: (error?: Error) => void } = {};
    const attachments = new ProcessAttachments((who) => {
      if (who?.actor === 'ana') return Promise.resolve();
      return new Promise((resolve, reject) => {
        ways[who?.actor ?? ''] = (error) => (error ? reject(error) : resolve());
      });
    });
    const heard: Record<string, ProcessEvent[]> = { ana: [], ben: [], cem: [] };
    for (const [actor, events] of Object.entries(heard))
      onTestFinished(attachments.listen(key, { actor }, (event) => events.push(event)));
    await eventually(() => (heard.ana?.length ?? 0) > 0);
    await sandbox.files.write('/tmp/go', '');
    await eventually(() => JSON.stringify(heard.ana).includes('after'));
    await sandbox.files.write('/tmp/end', '');
    await eventually(() => heard.ana?.at(-1)?.kind === 'ended');
    expect([heard.ben, heard.cem]).toEqual([[], []]);
    ways.ben?.();
    ways.cem?.(new Error('the database is away'));
    await eventually(() => heard.ben?.length === 2 && heard.cem?.length === 1);
    expect(heard.ben).toMatchObject([
      { kind: 'output', text: { head: expect.stringContaining('after\n') } },
      { kind: 'ended' },
    ]);
    expect(heard.cem).toMatchObject([{ kind: 'refused' }]);
  });
});

describe('what a shell says of processes', () => {
  const STAT = '(a) b (c) S 7 42 42 34816 42 0 0 0 0 0 150 50 0 0 20 0 1 0 3000 1000 25 0';

  it('is read by proc(5), whatever a process calls itself', () => {
    expect(readInside(`100.5 \0${42}\0${1000}\0${42} ${STAT}\0\0`, 1_000_000)).toEqual([
      {
        pid: 42,
        parentPid: 7,
        command: '[a) b (c]',
        uid: 1000,
        state: 'S',
        startedAtMs: 1_000_000 - 100_500 + 30_000,
        cpuMs: 2_000,
        memoryBytes: 25 * 4096,
        hasTerminal: true,
      },
    ]);
  });

  it.each(['', 'nonsense', '\0\0\0'])('is not believed where it is something else: %j', (text) => {
    expect(readInside(text, 0)).toBeNull();
  });

  it('loses only what is broken', () => {
    expect(readInside(`1\0x\0y\0z\0w\0${42}\0${0}\0${42} ${STAT}\0cmd\0`, 0)).toMatchObject([{ pid: 42 }]);
  });
});
