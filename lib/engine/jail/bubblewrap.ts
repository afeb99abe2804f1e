import { openSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { type HostPython, pythonArguments } from './host-python';
import type { Limits } from './limit-groups';
import { HOST_NAME, INSIDE_GID, INSIDE_UID } from './rootfs';
import { SEARCH_PATH } from './search-path';
import { seccompProgram } from './seccomp';
import { ENGINE_MOUNT, sharedDirectories } from './skeleton';

export const MAX_PROCESSES = 256;
const MAX_OPEN_FILES = 4096;
/**
 * What a process may reserve without a control group, in times the memory. Programs reserve more than they use, so this only
 * stops one that grows faster than the guard looks.
 */
const RESERVED_PER_MEMORY = 4;
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;
/**
 * Of file systems in memory that hold mount points and pipes, which take no space. Bubblewrap cannot limit their number of
 * files (docs/engine.md#what-a-sandbox-cannot-do).
 */
const EMPTY_BYTES = 64 * 1024;

/** What `root` inside may do. The kernel holds it to files, users and processes of the sandbox. */
const ROOT_CAPABILITIES = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID'],
  ...['CAP_KILL', 'CAP_SETGID', 'CAP_SETUID', 'CAP_NET_BIND_SERVICE'],
];

export type JailTools = {
  readonly bwrap: string;
  readonly prlimit: string;
  readonly node: string;
  readonly agent: string;
  /** See `makeAgentLoader`. Null if the agent starts without it, and can be traced by the sandbox. */
  readonly loader: string | null;
  /** node-pty's native binding. Null if this platform has none; terminals are then refused. */
  readonly pty: string | null;
  /** Null if sandboxes find a python3 without it, or if this machine has none that works inside. */
  readonly python: HostPython | null;
  /** What the command `python` leads to inside. Null if sandboxes find one without it, or have no python3. */
  readonly pythonLink: string | null;
  /**
   * Set if the sandboxes' users cannot reach these files or the sandboxes' directories, for example below `/root`. Root
   * then mounts them in an accessible directory and uses this program to switch to the sandbox's user.
   */
  readonly setpriv: string | null;
};

/** Descriptors passed to bubblewrap. It waits for a byte on `block` before it runs the command. */
export const JailFd = {
  link: 3,
  args: 4,
  info: 5,
  block: 6,
  stageArgs: 7,
  seccomp: 8,
  userns: 9,
  sudo: 10,
  bootId: 11,
  python: 12,
} as const;

/** Tells programs inside whether their processes are those of the last time. The machine's own would be equal in all of them. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** The filter of system calls; null on processors other than x86-64 and arm64. */
export const FILTER = seccompProgram(process.arch);

export type JailPlan = {
  readonly tools: JailTools;
  readonly rootDir: string;
  /** Whether the sandbox shares the host's network, including its loopback interface. */
  readonly hostNetwork: boolean;
  /** Whether `root` is a user of its own inside. The caller then maps both users. */
  readonly hasRoot: boolean;
  readonly limits: Limits;
  /** Whether a control group limits the sandbox's memory. */
  readonly hasMemoryGroup: boolean;
};

export function findPtyBinary(): string | null {
  const name = `@lydell/node-pty-${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const from = createRequire(require.resolve('@lydell/node-pty'));
    return join(dirname(from.resolve(`${name}/package.json`)), 'pty.node');
  } catch {
    return null;
  }
}

/** Bubblewrap's arguments, to be passed by descriptor, which keeps host paths off command lines. */
export function jailArguments(plan: JailPlan): string[] {
  const { tools } = plan;
  return [
    '--unshare-user',
    // With two users bubblewrap cannot forbid further namespaces; the filter of system calls does.
    ...(plan.hasRoot
      ? ['--userns-block-fd', String(JailFd.userns)]
      : ['--uid', String(INSIDE_UID), '--gid', String(INSIDE_GID), '--disable-userns']),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', HOST_NAME, '--unshare-cgroup-try'],
    ...(plan.hostNetwork ? [] : ['--unshare-net']),
    ...['--cap-drop', 'ALL', '--die-with-parent', '--new-session'],
    ...(plan.hasRoot ? ROOT_CAPABILITIES.flatMap((name) => ['--cap-add', name]) : []),
    ...['--bind', plan.rootDir, '/'],
    ...sharedDirectories().flatMap((path) => ['--ro-bind', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--perms', '0444', '--ro-bind-data', String(JailFd.bootId), BOOT_ID],
    ...[
      '--size',
      String(SHARED_MEMORY_BYTES),
      '--perms',
      '1777',
      '--tmpfs',
      '/dev/shm',
      '--remount-ro',
      '/dev',
    ],
    ...['--size', String(EMPTY_BYTES), '--tmpfs', ENGINE_MOUNT],
    ...[
      '--ro-bind',
      tools.node,
      `${ENGINE_MOUNT}/envd`,
      '--ro-bind',
      tools.agent,
      `${ENGINE_MOUNT}/agent.mjs`,
    ],
    ...(tools.loader ? ['--ro-bind', tools.loader, `${ENGINE_MOUNT}/loader`] : []),
    ...(tools.pty ? ['--ro-bind', tools.pty, `${ENGINE_MOUNT}/pty.node`] : []),
    ...(tools.python ? pythonArguments(tools.python, JailFd.python) : []),
    ...['--perms', '0755', '--dir', `${ENGINE_MOUNT}/bin`],
    ...(tools.pythonLink ? ['--symlink', tools.pythonLink, `${ENGINE_MOUNT}/bin/python`] : []),
    ...['--perms', '0700', '--size', String(EMPTY_BYTES), '--tmpfs', `${ENGINE_MOUNT}/io`],
    ...['--perms', '0755', '--size', String(EMPTY_BYTES), '--tmpfs', `${ENGINE_MOUNT}/sudo`],
    ...['--perms', '0755', '--file', String(JailFd.sudo), `${ENGINE_MOUNT}/bin/sudo`],
    ...['--remount-ro', ENGINE_MOUNT],
    ...(plan.hostNetwork ? hostNetworkFiles() : []),
    ...['--chdir', '/', '--clearenv', '--setenv', 'PATH', SEARCH_PATH, '--setenv', 'UV_THREADPOOL_SIZE', '1'],
    ...(FILTER ? ['--seccomp', String(JailFd.seccomp)] : []),
    ...['--info-fd', String(JailFd.info), '--block-fd', String(JailFd.block)],
  ];
}

/** Mount point for inaccessible host files, visible only to the processes that start a sandbox. */
const STAGE = '/tmp';
const STAGE_MOUNT = ['--size', String(EMPTY_BYTES), '--tmpfs', STAGE];

/** Returns the plan with every path below the stage, and the bubblewrap arguments with which root mounts the stage. */
export function stage(plan: JailPlan): { plan: JailPlan; args: string[] } {
  const { tools } = plan;
  const shown = {
    root: plan.rootDir,
    node: tools.node,
    agent: tools.agent,
    ...(tools.loader ? { loader: tools.loader } : {}),
    ...(tools.pty ? { pty: tools.pty } : {}),
    ...(tools.python ? { python: tools.python.program, ...tools.python.libraries } : {}),
  };
  const binds = Object.entries(shown).flatMap(([name, path]) => ['--bind', path, `${STAGE}/${name}`]);
  const args = ['--dev-bind', '/', '/', ...STAGE_MOUNT, ...binds, '--die-with-parent'];
  const staged = {
    node: `${STAGE}/node`,
    agent: `${STAGE}/agent`,
    loader: tools.loader ? `${STAGE}/loader` : null,
    pty: tools.pty ? `${STAGE}/pty` : null,
    python: tools.python ? stagePython(tools.python).python : null,
  };
  return { plan: { ...plan, rootDir: `${STAGE}/root`, tools: { ...tools, ...staged } }, args };
}

/** Python as it is found on the stage, and the arguments that put it there. */
export function stagePython(found: HostPython): { python: HostPython; args: string[] } {
  const { program, libraries } = found;
  const staged = Object.keys(libraries).map((name) => [name, `${STAGE}/${name}`]);
  const binds = Object.entries({ python: program, ...libraries });
  return {
    python: { ...found, program: `${STAGE}/python`, libraries: Object.fromEntries(staged) },
    args: [...STAGE_MOUNT, ...binds.flatMap(([name, path]) => ['--bind', path, `${STAGE}/${name}`])],
  };
}

/** The command to run inside. Limits are set inside, so that they apply to the sandbox alone. */
export function agentCommand({ tools, limits, hasMemoryGroup }: JailPlan): string[] {
  return [
    ...[tools.prlimit, `--nproc=${maxProcesses()}`, `--nofile=${MAX_OPEN_FILES}`, '--core=0'],
    `--fsize=${limits.diskBytes}`,
    ...(hasMemoryGroup ? [] : [`--data=${limits.memoryBytes * RESERVED_PER_MEMORY}`]),
    ...(tools.loader ? [`${ENGINE_MOUNT}/loader`] : []),
    ...[`${ENGINE_MOUNT}/envd`, ...AGENT_FLAGS, `${ENGINE_MOUNT}/agent.mjs`],
  ];
}

/** The agent's program as the sandbox sees it, to run its other functions. */
export const ENVD_PROGRAM = [`${ENGINE_MOUNT}/envd`, `${ENGINE_MOUNT}/agent.mjs`] as const;

/** The program `sudo`, which is first in the search path. Without its socket it learns what to run from the agent's program. */
export const SUDO = `#!/bin/sh
if [ -S ${ENGINE_MOUNT}/sudo/socket ]; then exec ${ENVD_PROGRAM.join(' ')} sudo "$@"; fi
plan=$(${ENVD_PROGRAM.join(' ')} sudo "$@") || exit $?
eval "$plan"
`;

/** Keeps memory and threads low: each sandbox has an agent, and its threads count toward the process limit. */
const AGENT_FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=1', '--v8-pool-size=1'];

const BINDS: ReadonlySet<string> = new Set(['--bind', '--ro-bind', '--ro-bind-try', '--ro-bind-data']);

/** The exact set of mount points of a started sandbox. Any other set means that a link redirected a mount. */
export function expectedMounts(plan: JailPlan): string[] {
  const args = jailArguments(plan);
  return args.flatMap((flag, index) => {
    if (BINDS.has(flag)) return args[index + 2] ?? [];
    return flag === '--tmpfs' || flag === '--proc' || flag === '--dev' ? (args[index + 1] ?? []) : [];
  });
}

/** Descriptors without close-on-exec, left open by the engine's parent, which every child would inherit. */
export function leakedDescriptors(): number[] {
  // Cached: Node opens its own descriptors with close-on-exec.
  leaked ??= findLeakedDescriptors();
  return leaked;
}

function findLeakedDescriptors(): number[] {
  const closeOnExec = 0o2000000;
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd > 2)
    .filter((fd) => {
      try {
        const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
        return (Number.parseInt(flags, 8) & closeOnExec) === 0;
      } catch {
        return false;
      }
    });
}

let leaked: number[] | undefined;
let cover: number | undefined;

export function coverDescriptor(): number {
  cover ??= openSync('/dev/null', 'r+');
  return cover;
}

/** Before Linux 5.14, the limit counts all of the user's processes on the machine. */
function maxProcesses(): number {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const countsPerNamespace = major > 5 || (major === 5 && minor >= 14);
  return countsPerNamespace || process.getuid?.() === 0 ? MAX_PROCESSES : 16 * MAX_PROCESSES;
}

function hostNetworkFiles(): string[] {
  return ['/etc/resolv.conf', '/etc/ssl/certs'].flatMap((path) => ['--ro-bind-try', path, path]);
}
