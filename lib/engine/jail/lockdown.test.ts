import { execFile } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { readHostText } from './skeleton';
import { canRun, type ProcessEngine, startProcessEngine } from './test-process-engine';

type Sandbox = Awaited<ReturnType<ProcessEngine['create']>>;

/** Makes system calls by number and by name, and finds the agent. */
const PRELUDE = `
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def outcome(result): return 'done' if result >= 0 else errno.errorcode[ctypes.get_errno()]
def call(number, *args): return outcome(libc.syscall(number, *args))
def ptrace(request, pid):
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    return outcome(libc.ptrace(request, pid, None, None))
def attempt(act):
    try: act(); return 'done'
    except OSError as error: return errno.errorcode[error.errno]
agent = next(int(p) for p in os.listdir('/proc') if p.isdigit() and open(f'/proc/{p}/comm').read() == 'envd\\n')
`;

const NUMBERS: Record<string, Record<string, number>> = {
  x64: { userfaultfd: 323, add_key: 248, request_key: 249, keyctl: 250 },
  arm64: { userfaultfd: 282, add_key: 217, request_key: 218, keyctl: 219 },
};
const numbers: Record<string, number> = {
  ...NUMBERS[process.arch],
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
};

describe.runIf(canRun && process.arch in NUMBERS)('a sandbox', () => {
  let engine: ProcessEngine;
  let sandbox: Sandbox;

  beforeAll(async () => {
    engine = await startProcessEngine();
    sandbox = await engine.create();
    await sandbox.files.write('/tmp/prelude.py', PRELUDE);
    await sandbox.files.write('/home/user/private.txt', 'private');
    await sandbox.commands.run('true');
  });

  const python = async (script: string) => {
    await sandbox.files.write('/tmp/script.py', `${PRELUDE}\n${script}\n`);
    const result = await sandbox.commands.run('python3 /tmp/script.py 2>&1; true');
    return result.stdout.trim();
  };

  test.each(Object.entries(numbers))('may not call %s', async (_, number) => {
    expect(await python(`print(call(${number}, 0, 0, 0, 0, 0))`)).toBe('EPERM');
  });

  test('may not take disk space without writing, but free it', async () => {
    const seen = await python(`
import fcntl, struct
file = os.open('/tmp/space', os.O_RDWR | os.O_CREAT)
os.write(file, b'x' * 65536)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
for mode in (0, 1, 16, 3):
    print(mode, outcome(libc.fallocate(file, mode, 0, 32768)))
for command in (0x40305828, 0x4030582a, 0x40305839):
    print(attempt(lambda: fcntl.ioctl(file, command, struct.pack('hhqqiI16x', 0, 0, 0, 1 << 20, 0, 0))))
print(attempt(lambda: os.posix_fallocate(file, 0, 131072)), os.fstat(file).st_size)`);
    expect(seen.split('\n')).toEqual([
      ...['0 ENOTSUP', '1 ENOTSUP', '16 ENOTSUP', '3 done'],
      ...['ENOTSUP', 'ENOTSUP', 'ENOTSUP'],
      // The library writes instead.
      'done 131072',
    ]);
  });

  test('may not open sockets to the hypervisor, but others', async () => {
    expect(
      await python(`
print(attempt(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)))
print(attempt(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_DGRAM)))
print(attempt(lambda: socket.socketpair(socket.AF_VSOCK)))
print(attempt(lambda: socket.socketpair()))
print(attempt(lambda: socket.socket(socket.AF_INET)))
print(attempt(lambda: socket.socket(socket.AF_INET6)))`),
    ).toBe('EAFNOSUPPORT\nEAFNOSUPPORT\nEAFNOSUPPORT\ndone\ndone\ndone');
  });

  test.runIf(process.arch === 'x64')('may not pass the filter by another calling convention', async () => {
    expect(await python('print(call(0x40000000 + 41, 40, 1, 0))')).toBe('ENOSYS');
    // The 32-bit call: push rbx; mov eax, N; mov ebx, FIRST; mov ecx, 1; xor edx, edx; int 0x80; pop rbx; ret
    const result = await python(`
import mmap, struct
def call32(number, first):
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(b'\\x53\\xb8' + struct.pack('<I', number) + b'\\xbb' + struct.pack('<I', first) + b'\\xb9\\x01\\0\\0\\0\\x31\\xd2\\xcd\\x80\\x5b\\xc3')
    run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    pid = os.fork()
    if pid == 0: os._exit(-run() & 0x7f)
    status = os.waitpid(pid, 0)[1]
    return 'killed' if os.WIFSIGNALED(status) else errno.errorcode.get(os.WEXITSTATUS(status), 'done')
print(call32(359, 40), call32(425, 1), call32(288, 0), call32(102, 1), call32(20, 0))`);
    // A kernel without 32-bit programs kills the caller.
    expect(result).toMatch(/^(killed( killed){4}|EAFNOSUPPORT EPERM EPERM ENOSYS \S+)$/);
  });

  test('may neither trace its agent nor read its memory and descriptors', async () => {
    expect(
      await python(`
print(ptrace(16, agent), ptrace(0x4206, agent))
print(call(438, libc.syscall(434, agent, 0), 3, 0))
for name in ['mem', 'environ', 'maps', 'fd', 'root', 'io']:
    path = f'/proc/{agent}/{name}'
    print(attempt(lambda: os.listdir(path) if os.path.basename(path) in ('fd', 'root') else open(path, 'rb').read(1)))`),
    ).toMatch(/^EPERM EPERM\nEPERM\n(EACCES\n){5}EACCES$/);
  });

  test('may trace its own processes, as debuggers do', async () => {
    expect(
      await python(`
import time
pid = os.fork()
if pid == 0: time.sleep(5); os._exit(0)
print(ptrace(16, pid))
os.kill(pid, 9)`),
    ).toBe('done');
  });

  test('has only sized file systems in memory', async () => {
    const { stdout } = await sandbox.commands.run('awk \'$3 == "tmpfs" { print $2, $4 }\' /proc/self/mounts');
    const mounts = stdout.trim().split('\n');
    expect(mounts.length).toBeGreaterThan(3);
    for (const mount of mounts) expect(mount).toMatch(/ ro,|,size=/);
    const fill = (path: string, mb: number) =>
      `head -c ${mb}M /dev/zero >${path} 2>/dev/null || echo full; rm -f ${path} || true`;
    expect((await sandbox.commands.run(fill('/dev/shm/x', 65))).stdout).toBe('full\n');
    expect((await sandbox.commands.run(fill('/run/moru/engine/io/x', 1))).stdout).toBe('full\n');
    expect((await sandbox.commands.run(fill('/dev/x', 1))).stdout).toBe('full\n');
  });

  test('is closed to other users of the machine, even if it opens its root', async () => {
    await sandbox.commands.run('chmod 777 / /home /home/user; chmod 666 /home/user/private.txt');
    const dir = engine.guestDir(sandbox.sandboxId);
    const isRoot = process.getuid?.() === 0;
    expect((lstatSync(dir).mode & 0o777).toString(8)).toBe(isRoot ? '710' : '700');
    if (!isRoot) return;
    const file = join(dir, 'root/home/user/private.txt');
    const nobody = { uid: 65_534, gid: 65_534, cwd: '/' };
    await expect(promisify(execFile)('/bin/cat', [file], nobody)).rejects.toThrow('Permission denied');
    await expect(promisify(execFile)('/bin/ls', [dir], nobody)).rejects.toThrow('Permission denied');
  });

  test('starts with a root that only it may read', async () => {
    const fresh = await engine.create();
    await fresh.files.write('a', 'b');
    const { mode } = lstatSync(join(engine.guestDir(fresh.sandboxId), 'root'));
    expect((mode & 0o777).toString(8)).toBe('700');
  });

  test('does not show its id to other users of the machine', () => {
    const { pid } = engine.init(sandbox.sandboxId) ?? {};
    const seen = ['cgroup', 'cmdline', 'comm'].map((name) => readHostText(`/proc/${pid}/${name}`));
    expect(seen[0]).not.toBe('');
    expect(seen.join('\n')).not.toContain(sandbox.sandboxId);
  });
});
