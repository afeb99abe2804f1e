import { CommandExitError, TimeoutError } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { readHostText } from '../jail/skeleton';
import {
  callRpc,
  canRun,
  collectRpc,
  openRpc,
  type ProcessEngine,
  startProcessEngine,
  until,
} from '../jail/test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;

describe.runIf(canRun)('process.Process', () => {
  let engine: ProcessEngine;
  let sandbox: Sandbox;
  /** A sandbox for raw RPCs, which send no token. */
  let openId: string;

  beforeAll(async () => {
    engine = await startProcessEngine();
    sandbox = await engine.create({ envs: { FROM_CREATE: 'yes', BOTH: 'create' } });
    openId = (await engine.create({ secure: false })).sandboxId;
  });

  const bash = (script: string) => ({ cmd: '/bin/bash', args: ['-c', script] });
  const start = (message: object, headers?: Record<string, string>) =>
    openRpc(engine, openId, 'Start', [message], headers);
  const pidOf = async (stream: ReturnType<typeof start>) => {
    const { value } = await stream.messages.next();
    return (value as { event: { start: { pid: number } } }).event.start.pid;
  };

  test('runs a command and separates stdout, stderr and exit code', async () => {
    const result = await sandbox.commands.run('echo out; echo err >&2');
    expect(result).toMatchObject({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' });
    await expect(sandbox.commands.run('exit 3')).rejects.toThrow(CommandExitError);
    const failed = await sandbox.commands
      .run('echo no >&2; exit 7')
      .catch((error: CommandExitError) => error);
    expect(failed).toMatchObject({ exitCode: 7, stderr: 'no\n', error: 'exit status 7' });
  });

  test('passes variables of any name', async () => {
    const envs: Record<string, string> = JSON.parse('{"__proto__":"a","constructor":"b"}');
    const process = { cmd: '/usr/bin/env', envs };
    const messages = await collectRpc(start({ process, stdin: false }));
    const { data } = (messages[1]?.event ?? {}) as { data?: { stdout: string } };
    expect(atob(data?.stdout ?? '')).toMatch(/^__proto__=a$/m);
    expect(atob(data?.stdout ?? '')).toMatch(/^constructor=b$/m);
  });

  test('runs many commands at once, even as the first of a sandbox', async () => {
    const fresh = await engine.create();
    const results = await Promise.all(Array.from({ length: 60 }, (_, n) => fresh.commands.run(`echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, n) => `${n}\n`));
    await fresh.kill();
  });

  test('never splits a character between chunks', async () => {
    const chunks: string[] = [];
    const script = `python3 -c "import sys
for i in range(40000): sys.stdout.write('aé€😀' if i % 3 else 'é')"`;
    const { stdout } = await sandbox.commands.run(script, { onStdout: (chunk) => void chunks.push(chunk) });
    expect(chunks.length).toBeGreaterThan(1);
    expect(stdout).not.toContain('\ufffd');
    expect(Buffer.byteLength(stdout)).toBe(
      Array.from({ length: 40000 }, (_, i) => (i % 3 ? 10 : 2)).reduce((sum, size) => sum + size, 0),
    );
  });

  test('kills a process at its deadline, even without a client', async () => {
    await expect(sandbox.commands.run('sleep 30', { timeoutMs: 300 })).rejects.toThrow(TimeoutError);
    const stream = start({ process: bash('exec sleep 31') }, { 'connect-timeout-ms': '2500.0' });
    const pid = await pidOf(stream);
    stream.abort();
    const isListed = async () => {
      const { json } = await callRpc(engine, openId, 'List', {});
      return JSON.stringify(json).includes(`"pid":${pid}`);
    };
    expect(await isListed()).toBe(true);
    await until(async () => !(await isListed()));
    await until(() => engine.processes(openId).filter(({ state }) => state !== 'Z').length === 2);
  });

  test('streams the events of a process in order', async () => {
    const messages = await collectRpc(start({ process: bash('echo hi'), stdin: false }));
    const pid = expect.any(Number);
    expect(messages).toEqual([
      { event: { start: { pid } } },
      { event: { data: { stdout: Buffer.from('hi\n').toString('base64') } } },
      { event: { end: { exited: true, status: 'exit status 0' } } },
      { end: {} },
    ]);
    const timedOut = await collectRpc(start({ process: bash('sleep 9') }, { 'connect-timeout-ms': '150' }));
    expect(timedOut.at(-1)).toMatchObject({ end: { error: { code: 'deadline_exceeded' } } });
  });

  test('reports why a command cannot start', async () => {
    const failed = async (process: object) => (await collectRpc(start({ process }))).at(-1);
    expect(await failed({ cmd: '/nope' })).toMatchObject({ end: { error: { code: 'invalid_argument' } } });
    expect(await failed({ cmd: '/etc/passwd' })).toMatchObject({
      end: { error: { code: 'invalid_argument' } },
    });
    expect(await failed({ cmd: 'a\0b' })).toMatchObject({ end: { error: { code: 'invalid_argument' } } });
    expect(await failed({ cmd: '/bin/true', envs: { 'A=B': 'c' } })).toMatchObject({
      end: { error: { code: 'invalid_argument' } },
    });
  });

  test.each([
    ["nohup sh -c 'sleep 300' & exit 3", 3, ''],
    ['sleep 300 & echo started', 0, 'started\n'],
    ['(sleep 200; echo late) & printf "no line end"', 0, 'no line end'],
    ['yes >&2 & exit 4', 4, ''],
  ])(
    'reports the end of %j at once, though its children hold the output open',
    async (script, code, text) => {
      const before = performance.now();
      const messages = await collectRpc(start({ process: bash(script), stdin: false }));
      expect(performance.now() - before).toBeLessThan(30_000);
      const events = messages.map((message) => message.event as Record<string, Record<string, string>>);
      const stdout = events.map((event) => event?.data?.stdout ?? '').map((part) => atob(part));
      expect(stdout.join('')).toBe(text);
      const status = `exit status ${code}`;
      const error = code === 0 ? {} : { error: status };
      expect(events.at(-2)?.end).toEqual({
        ...(code === 0 ? {} : { exitCode: code }),
        exited: true,
        status,
        ...error,
      });
      expect(messages.at(-1)).toEqual({ end: {} });
      const { json } = await callRpc(engine, openId, 'List', {});
      expect(JSON.stringify(json)).not.toContain(script.slice(0, 12));
      await collectRpc(start({ process: bash('pkill -9 yes; pkill -9 sleep; true'), stdin: false }));
    },
  );

  test('keeps all output that a process wrote before its end, in order', async () => {
    const script = 'sleep 60 & for i in $(seq 1 60000); do echo "line $i of the output"; done; exit 5';
    const own = await engine.create();
    const { stdout, exitCode } = await own.commands.run(script).catch((error: CommandExitError) => error);
    expect(exitCode).toBe(5);
    const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index + 1} of the output\n`);
    expect(stdout === lines.join('')).toBe(true);
    await own.kill();
  });

  test('lets the output of children be followed after the end of their parent', async () => {
    const script = 'while ! test -e /tmp/go; do sleep 0.05; done; echo late; echo still; exit 0';
    const stream = start({ process: bash(`(${script}) & exit 6`), stdin: false });
    const pid = await pidOf(stream);
    await collectRpc(stream);
    const follower = openRpc(engine, openId, 'Connect', [{ process: { pid } }]);
    expect((await follower.messages.next()).value).toEqual({ event: { start: { pid } } });
    await collectRpc(start({ process: bash('touch /tmp/go'), stdin: false }));
    const events = await collectRpc(follower);
    const stdout = events.map((message) => {
      const { data } = (message.event ?? {}) as { data?: { stdout: string } };
      return data ? atob(data.stdout) : '';
    });
    expect(stdout.join('')).toBe('late\nstill\n');
    expect(events.at(-2)).toMatchObject({ event: { end: { exitCode: 6 } } });
    const after = await collectRpc(openRpc(engine, openId, 'Connect', [{ process: { pid } }]));
    expect(after).toMatchObject([
      { event: { start: { pid } } },
      { event: { end: { exitCode: 6 } } },
      { end: {} },
    ]);
  });

  test('reports the end of a terminal whose background jobs never stop writing', async () => {
    const size = { cols: 80, rows: 24 };
    const before = performance.now();
    const events = await collectRpc(start({ process: bash('trap "" HUP; yes & exit 3'), pty: { size } }));
    expect(performance.now() - before).toBeLessThan(30_000);
    expect(events.at(-2)).toMatchObject({ event: { end: { exitCode: 3 } } });
  });

  test('kills a process promptly, even if its children hold the pipes', async () => {
    const handle = await sandbox.commands.run('sleep 60 & sleep 61 & wait', { background: true });
    await until(() => engine.processes(sandbox.sandboxId).length > 4);
    const started = Date.now();
    expect(await handle.kill()).toBe(true);
    const end = await handle.wait().catch((error: CommandExitError) => error);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(end).toMatchObject({ exitCode: -1, error: 'signal: killed' });
    expect(await handle.kill()).toBe(false);
    const { stdout } = await sandbox.commands.run(`kill -0 ${handle.pid} 2>&1 || echo gone`);
    expect(stdout).toContain('gone');
    await sandbox.commands.run('pkill sleep');
  });

  test('reports SIGTERM and rejects other signals', async () => {
    const stream = start({ process: bash('exec sleep 62'), tag: 'termed' });
    await pidOf(stream);
    const selector = { tag: 'termed' };
    const unknown = await callRpc(engine, openId, 'SendSignal', { process: selector, signal: 0 });
    expect(unknown).toMatchObject({ status: 501, json: { code: 'unimplemented' } });
    await callRpc(engine, openId, 'SendSignal', { process: selector, signal: 'SIGNAL_SIGTERM' });
    expect((await collectRpc(stream))[0]).toEqual({
      event: {
        end: { exitCode: -1, status: 'signal: terminated', error: 'signal: terminated' },
      },
    });
    const gone = await callRpc(engine, openId, 'SendSignal', { process: selector, signal: 'SIGNAL_SIGTERM' });
    expect(gone).toMatchObject({ status: 404, json: { code: 'not_found' } });
  });

  test('lists processes with the variables of their requests only', async () => {
    const stream = start({ process: { ...bash('sleep 63'), envs: { A: 'b' }, cwd: '/tmp' }, tag: 'listed' });
    const pid = await pidOf(stream);
    const { json } = await callRpc(engine, openId, 'List', {});
    const config = { cmd: '/bin/bash', args: ['-c', 'sleep 63'], envs: { A: 'b' }, cwd: '/tmp' };
    expect(json.processes).toContainEqual({ config, pid, tag: 'listed' });
    await callRpc(engine, openId, 'SendSignal', { process: { pid }, signal: 9 });
  });

  test('connects several readers to a process, with new output only', async () => {
    const first: string[] = [];
    const handle = await sandbox.commands.run('for i in 1 2 3; do read line; echo "got $line"; done', {
      background: true,
      stdin: true,
      onStdout: (chunk) => void first.push(chunk),
    });
    await sandbox.commands.sendStdin(handle.pid, 'a\n');
    await until(() => first.join('').includes('got a'));
    const second = await sandbox.commands.connect(handle.pid);
    await sandbox.commands.sendStdin(handle.pid, 'b\nc\n');
    expect((await second.wait()).stdout).toBe('got b\ngot c\n');
    expect((await handle.wait()).stdout).toBe('got a\ngot b\ngot c\n');
  });

  test('repeats the end of a process for a late reader', async () => {
    const stream = start({ process: bash('exit 7'), stdin: false, tag: 'short' });
    const pid = await pidOf(stream);
    await collectRpc(stream);
    const expected = [
      { event: { start: { pid } } },
      { event: { end: { exitCode: 7, exited: true, status: 'exit status 7', error: 'exit status 7' } } },
      { end: {} },
    ];
    const connect = (process: object) => collectRpc(openRpc(engine, openId, 'Connect', [{ process }]));
    expect(await connect({ pid })).toEqual(expected);
    expect(await connect({ tag: 'short' })).toEqual(expected);
    expect(await connect({ pid: 99_999 })).toMatchObject([{ end: { error: { code: 'not_found' } } }]);
    const signalled = await callRpc(engine, openId, 'SendSignal', { process: { pid }, signal: 9 });
    expect(signalled.json).toMatchObject({ code: 'not_found' });
  });

  test('writes input in order, even as a stream, and rejects it without stdin', async () => {
    const stream = start({ process: bash('head -c 9') });
    const pid = await pidOf(stream);
    const stdin = (text: string) => ({ stdin: Buffer.from(text).toString('base64') });
    const streamed = await collectRpc(
      openRpc(engine, openId, 'StreamInput', [
        { start: { process: { pid } } },
        { data: { input: stdin('abc') } },
        { keepalive: {} },
        { data: { input: stdin('def') } },
      ]),
    );
    expect(streamed.at(-1)).toEqual({ end: {} });
    await callRpc(engine, openId, 'SendInput', { process: { pid }, input: stdin('') });
    await callRpc(engine, openId, 'SendInput', { process: { pid }, input: stdin('ghi') });
    const [data] = await collectRpc(stream);
    expect(data).toEqual({ event: { data: { stdout: Buffer.from('abcdefghi').toString('base64') } } });

    const closed = start({ process: bash('sleep 64'), stdin: false, tag: 'no-stdin' });
    await pidOf(closed);
    const rejected = await callRpc(engine, openId, 'SendInput', {
      process: { tag: 'no-stdin' },
      input: stdin('x'),
    });
    expect(rejected.json.code).toBe('internal');
    const resized = await callRpc(engine, openId, 'Update', {
      process: { tag: 'no-stdin' },
      pty: { size: { cols: 1, rows: 1 } },
    });
    expect(resized.json.code).toBe('internal');
    await callRpc(engine, openId, 'SendSignal', { process: { tag: 'no-stdin' }, signal: 9 });
  });

  test('opens and resizes a terminal, and ends with its exit code', async () => {
    let output = '';
    const handle = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      timeoutMs: 0,
      onData: (data) => {
        output += Buffer.from(data).toString();
      },
    });
    const type = (text: string) => sandbox.pty.sendInput(handle.pid, Buffer.from(text));
    await type('stty size; echo $TERM\n');
    await until(() => output.includes('24 80') && output.includes('xterm-256color'));
    await sandbox.pty.resize(handle.pid, { cols: 132, rows: 50 });
    await type('stty size\n');
    await until(() => output.includes('50 132'));
    await type('sleep 100 &\n');
    await type('exit 4\n');
    await expect(handle.wait()).rejects.toMatchObject({ exitCode: 4 });
    expect(output).not.toContain('no job control');
  });

  test('sends keepalives on idle streams, but not before the start', async () => {
    const stream = start({ process: bash('sleep 1.5') }, { 'keepalive-ping-interval': '1' });
    const messages = await collectRpc(stream);
    const kinds = messages.map((message) => Object.keys((message.event as object) ?? message)[0]);
    // One per second, as many as a slow machine needs.
    expect(kinds.join(' ')).toMatch(/^start( keepalive)+ end end$/);
  });

  test('blocks a process while its reader is slow, in bounded memory', async () => {
    global.gc?.();
    const before = process.memoryUsage.rss();
    const stream = start({ process: { cmd: 'yes', args: ['x'.repeat(1000)] }, tag: 'yes' });
    const pid = await pidOf(stream);
    // Without a reader all buffers fill up, then the process blocks.
    const yes = engine.processes(openId).find(({ pid }) => readHostText(`/proc/${pid}/comm`) === 'yes\n');
    let written = '';
    await until(async () => {
      const before = written;
      written = /wchar: (\d+)/.exec(readHostText(`/proc/${yes?.pid}/io`))?.[1] ?? '';
      await new Promise((resolve) => setTimeout(resolve, 50));
      return written !== '' && written === before;
    });
    expect(Number(written)).toBeLessThan(8_000_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
    // Other processes of the sandbox keep running.
    expect((await collectRpc(start({ process: bash('echo still') }))).length).toBe(4);
    let bytes = 0;
    for await (const message of stream.messages) {
      const data = (message.event as { data?: { stdout: string } } | undefined)?.data;
      bytes += Buffer.from(data?.stdout ?? '', 'base64').length;
      if (bytes > 20_000_000) break;
    }
    stream.abort();
    await callRpc(engine, openId, 'SendSignal', { process: { pid }, signal: 9 });
    expect(process.memoryUsage.rss() - before).toBeLessThan(96 * 1024 * 1024);
  });

  test('logs the start, output and end of a process', async () => {
    await sandbox.commands.run('echo logged; echo failed >&2; exit 2').catch(() => {});
    const logs = await engine.logs(sandbox.sandboxId);
    const start = logs.findLast(({ eventType }) => eventType === 'process_start');
    expect(start?.fields.command).toContain('echo logged');
    expect(logs.at(-1)).toMatchObject({ eventType: 'process_end', fields: { pid: start?.fields.pid } });
    expect(JSON.parse(logs.at(-1)?.fields.process_result ?? '')).toEqual({
      exit_code: 2,
      exited: true,
      status: 'exit status 2',
      error: 'exit status 2',
    });
    expect(logs.slice(-3, -1).map(({ eventType, message }) => [eventType, message])).toEqual(
      expect.arrayContaining([
        ['stdout', 'logged'],
        ['stderr', 'failed'],
      ]),
    );
  });
});
