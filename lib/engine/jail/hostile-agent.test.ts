import { setTimeout as delay } from 'node:timers/promises';
import { Sandbox, SandboxError } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { isSameProcess } from './process-tree';
import { canRun, openRpc, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

/**
 * The agent has the sandbox's own rights, so whatever runs there can take its connection to the engine and say what it
 * likes on it.
 */
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

describe.runIf(canRun)('an agent that has been taken over', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ overdueMs: 600, silentMs: SILENT_MS });
  });

  const attack = async (act: string) => {
    const sandbox = await engine.create();
    const memory = process.memoryUsage.rss();
    const result = await sandbox.commands
      .run(takeOver(act), { timeoutMs: 15_000 })
      .catch((error: unknown) => error as { error?: string; stderr?: string });
    expect(process.memoryUsage.rss() - memory).toBeLessThan(128 * 1024 * 1024);
    // Whatever it was: the engine lives, and so does the sandbox after it.
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
    await sandbox.kill();
    return result;
  };

  test.each([
    ['a frame that is too large', "link.sendall(struct.pack('>I', 0xffffffff) + b'x' * 100)"],
    ['a frame of no kind', 'link.sendall(frame(99, 1))'],
    ['an end that is none', 'link.sendall(frame(70, 1, b\'{"code":"no"}\'))'],
    ['an end that is no JSON', "link.sendall(frame(70, 1, b'{'))"],
    ['a chunk that is too large', "link.sendall(frame(67, 1, b'x' * 60000))"],
  ])('is cut off for %s', async (_, act) => {
    const result = await attack(`os.kill(agent, signal.SIGSTOP)\n${act}\nos.kill(agent, signal.SIGCONT)`);
    expect(result).toMatchObject({ error: 'signal: killed' });
  });

  test.each([
    [
      'processes nobody asked for',
      'link.sendall(b"".join(frame(65, n, struct.pack(">I", n)) for n in range(90, 9000)))',
    ],
    [
      'output of processes that are not there',
      'link.sendall(b"".join(frame(67, n, b"x") for n in range(90, 9000)))',
    ],
    ['readiness, again and again', 'link.sendall(frame(64, 0) * 5000)'],
  ])('is not heard when it speaks of %s', async (_, act) => {
    expect(
      await attack(`os.kill(agent, signal.SIGSTOP)\n${act}\nos.kill(agent, signal.SIGCONT)`),
    ).toMatchObject({
      exitCode: 0,
    });
  });

  test('is cut off for more output than a slow reader lets it have', async () => {
    const { sandboxId } = await engine.create({ secure: false });
    const script = takeOver("while True: link.sendall(frame(67, 1, b'x' * 30000))");
    const memory = process.memoryUsage.rss();
    const stream = openRpc(engine, sandboxId, 'Start', [
      { process: { cmd: '/bin/bash', args: ['-c', script] } },
    ]);
    await stream.messages.next();
    const first = engine.init(sandboxId);
    await until(() => first !== null && !isSameProcess(first));
    expect(process.memoryUsage.rss() - memory).toBeLessThan(128 * 1024 * 1024);
    stream.abort();
  });

  test('does not outlive the deadline of a command by standing still', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const first = engine.init(sandbox.sandboxId);
    const script = 'sleep 0.2; kill -STOP $(pgrep envd); sleep 60';
    await sandbox.commands.run(script, { timeoutMs: 1_000 }).catch(() => {});
    await until(() => first !== null && !isSameProcess(first));
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
  });

  test('is given up when it starts nothing any more, but not for the time that it stands still in a pause', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const first = engine.init(sandbox.sandboxId);
    const isThere = () => first !== null && isSameProcess(first);
    const [, agent] = engine.processes(sandbox.sandboxId);
    process.kill(agent?.pid ?? 0, 'SIGSTOP');
    const unheard = sandbox.commands.run('echo never', { timeoutMs: 0 }).catch((error: unknown) => error);
    await delay(SILENT_MS * 0.6);
    await sandbox.betaPause(engine.connection);
    await delay(SILENT_MS * 0.6);
    await Sandbox.connect(sandbox.sandboxId, engine.connection);
    expect(isThere()).toBe(true);
    await until(() => !isThere());
    expect(await unheard).toBeInstanceOf(SandboxError);
    expect((await sandbox.commands.run('echo up')).stdout).toBe('up\n');
  });

  test('holds up neither a pause nor a kill by keeping silent', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    sandbox.commands.run('kill -STOP $(pgrep envd)', { timeoutMs: 0 }).catch(() => {});
    const [, agent] = engine.processes(sandbox.sandboxId);
    expect(agent).toBeDefined();
    const hanging = sandbox.commands.run('echo never', { timeoutMs: 0 }).catch((error: unknown) => error);
    const startedMs = performance.now();
    await sandbox.betaPause(engine.connection);
    // Less than it would take to give the agent up.
    expect(performance.now() - startedMs).toBeLessThan(2_900);
    expect(await hanging).toBeInstanceOf(SandboxError);
    const pausedMs = performance.now();
    await sandbox.kill();
    expect(performance.now() - pausedMs).toBeLessThan(2_900);
  });
});
