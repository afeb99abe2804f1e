import { setTimeout as delay } from 'node:timers/promises';
import { Sandbox, SandboxError } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { isSameProcess } from './process-tree';
import { canRun, openRpc, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

/** A script that takes over the agent's connection, which any process in the sandbox can do, and sends `act` on it. */
const takeOver = (act: string) => `python3 - <<'END'
import ctypes, os, struct, socket, signal
libc = ctypes.CDLL(None, use_errno=True)
agent = next(int(p) for p in os.listdir('/proc') if p.isdigit() and open(f'/proc/{p}/comm').read() == 'envd\\n')
fd = libc.syscall(438, libc.syscall(434, agent, 0), 3, 0)
assert fd >= 0, ctypes.get_errno()
link = socket.socket(fileno=fd)
link.setblocking(True)
def frame(kind, subject, payload=b''): return struct.pack('>IBI', 5 + len(payload), kind, subject) + payload
${act}
END`;

const SILENT_MS = 2_000;

describe.runIf(canRun)('a compromised agent', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ overdueMs: 600, silentMs: SILENT_MS, exposeAgent: true });
  });

  const attack = async (act: string) => {
    const sandbox = await engine.create();
    const memory = process.memoryUsage.rss();
    const result = await sandbox.commands
      .run(takeOver(act), { timeoutMs: 15_000, user: 'root' })
      .catch((error: unknown) => error as { error?: string; stderr?: string });
    expect(process.memoryUsage.rss() - memory).toBeLessThan(128 * 1024 * 1024);
    // After any attack, the engine and the sandbox still work.
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
    await sandbox.kill();
    return result;
  };

  test.each([
    ['an oversized frame', "link.sendall(struct.pack('>I', 0xffffffff) + b'x' * 100)"],
    ['a frame of unknown kind', 'link.sendall(frame(99, 1))'],
    ['an invalid exit report', 'link.sendall(frame(70, 1, b\'{"code":"no"}\'))'],
    ['an invalid report of an early end', 'link.sendall(frame(72, 1, b\'{"code":"no"}\'))'],
    ['an exit report that is not JSON', "link.sendall(frame(70, 1, b'{'))"],
    ['an oversized chunk', "link.sendall(frame(67, 1, b'x' * 60000))"],
  ])('is killed for %s', async (_, act) => {
    const result = await attack(`os.kill(agent, signal.SIGSTOP)\n${act}\nos.kill(agent, signal.SIGCONT)`);
    expect(result).toMatchObject({ error: 'signal: killed' });
  });

  test.each([
    [
      'processes that were not requested',
      'link.sendall(b"".join(frame(65, n, struct.pack(">I", n)) for n in range(90, 9000)))',
    ],
    ['output of unknown processes', 'link.sendall(b"".join(frame(67, n, b"x") for n in range(90, 9000)))'],
    [
      'ends of unknown processes',
      'link.sendall(b"".join(frame(72, n, b\'{"code":1,"signal":null}\') for n in range(90, 9000)))',
    ],
    ['repeated ready frames', 'link.sendall(frame(64, 0) * 5000)'],
  ])('is ignored for %s', async (_, act) => {
    expect(
      await attack(`os.kill(agent, signal.SIGSTOP)\n${act}\nos.kill(agent, signal.SIGCONT)`),
    ).toMatchObject({
      exitCode: 0,
    });
  });

  test('is killed for output beyond the window of a slow reader', async () => {
    const { sandboxId } = await engine.create({ secure: false });
    const script = takeOver("while True: link.sendall(frame(67, 1, b'x' * 30000))");
    const memory = process.memoryUsage.rss();
    const asRoot = { authorization: `Basic ${btoa('root:')}` };
    const order = { cmd: '/bin/bash', args: ['-c', script] };
    const stream = openRpc(engine, sandboxId, 'Start', [{ process: order }], asRoot);
    await stream.messages.next();
    const first = engine.init(sandboxId);
    await until(() => first !== null && !isSameProcess(first));
    expect(process.memoryUsage.rss() - memory).toBeLessThan(128 * 1024 * 1024);
    stream.abort();
  });

  test('is killed after the deadline of a command when it is stopped', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const first = engine.init(sandbox.sandboxId);
    const script = 'sleep 0.2; kill -STOP $(pgrep envd); sleep 60';
    await sandbox.commands.run(script, { timeoutMs: 1_000, user: 'root' }).catch(() => {});
    await until(() => first !== null && !isSameProcess(first));
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
  });

  test('is killed when it does not start a process, not counting the time in a pause', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const first = engine.init(sandbox.sandboxId);
    const isRunning = () => first !== null && isSameProcess(first);
    const [, agent] = engine.processes(sandbox.sandboxId);
    process.kill(agent?.pid ?? 0, 'SIGSTOP');
    const hanging = sandbox.commands.run('echo never', { timeoutMs: 0 }).catch((error: unknown) => error);
    await delay(SILENT_MS * 0.05);
    await sandbox.betaPause(engine.connection);
    await delay(SILENT_MS * 1.2);
    await Sandbox.connect(sandbox.sandboxId, engine.connection);
    expect(isRunning()).toBe(true);
    await until(() => !isRunning());
    expect(await hanging).toBeInstanceOf(SandboxError);
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
  });

  test('delays neither a pause nor a kill by staying silent', async () => {
    const patient = await startProcessEngine({ silentMs: 120_000, exposeAgent: true });
    const sandbox = await patient.create();
    await sandbox.commands.run('true');
    sandbox.commands.run('kill -STOP $(pgrep envd)', { timeoutMs: 0, user: 'root' }).catch(() => {});
    const [, agent] = patient.processes(sandbox.sandboxId);
    expect(agent).toBeDefined();
    const hanging = sandbox.commands.run('echo never', { timeoutMs: 0 }).catch((error: unknown) => error);
    const startedMs = performance.now();
    await sandbox.betaPause(patient.connection);
    expect(await hanging).toBeInstanceOf(SandboxError);
    await sandbox.kill();
    // Shorter than the timeout of a silent agent.
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });
});
