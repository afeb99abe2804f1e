import { accessSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { HOST_NAME, INSIDE_GID, INSIDE_UID } from './rootfs';
import { ENGINE_MOUNT, sharedDirectories } from './skeleton';

/** Most processes and threads of a sandbox, and open files of each of its processes. */
const PROCESS_LIMIT = 256;
const FILE_LIMIT = 4096;
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Programs outside that a sandbox is started with; absolute host paths. */
export type JailTools = {
  readonly bwrap: string;
  readonly prlimit: string;
  readonly node: string;
  /** The bundled agent. */
  readonly agent: string;
  /** node-pty's binary; null where there is none for this machine, then terminals are refused. */
  readonly pty: string | null;
  /**
   * Set where the sandboxes' own users cannot walk to these files or to the sandboxes' directories (`/root` is closed
   * on most systems): the program with which root first shows them in an open place and then becomes that user.
   */
  readonly setpriv: string | null;
};

/** Descriptors that bubblewrap finds open. */
export const JailFd = { link: 3, args: 4, info: 5, gate: 6, stageArgs: 7 } as const;

export type JailPlan = {
  readonly tools: JailTools;
  readonly rootDir: string;
  /** True: the sandbox shares the host's network, its loopback interface included. */
  readonly hostNetwork: boolean;
};

/** The first of `names` found in the search path or the usual places, as an absolute path; null when there is none. */
export function findTool(name: string): string | null {
  for (const directory of `${process.env.PATH ?? ''}:${SEARCH_PATH}`.split(':')) {
    const path = join(directory, name);
    if (directory.startsWith('/') && isExecutable(path)) return path;
  }
  return null;
}

/** node-pty's binary for this machine, found beside the installed packages. */
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

/**
 * Bubblewrap's arguments, to be handed over by descriptor so that no path shows on a command line. What each is for:
 * engine notes, "Flags that hold".
 */
export function jailArguments(plan: JailPlan): string[] {
  const { tools } = plan;
  return [
    ...['--unshare-user', '--uid', String(INSIDE_UID), '--gid', String(INSIDE_GID), '--disable-userns'],
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', HOST_NAME, '--unshare-cgroup-try'],
    ...(plan.hostNetwork ? [] : ['--unshare-net']),
    ...['--cap-drop', 'ALL', '--die-with-parent', '--new-session'],
    ...['--bind', plan.rootDir, '/'],
    ...sharedDirectories().flatMap((path) => ['--ro-bind', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
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
    ...['--tmpfs', ENGINE_MOUNT],
    ...[
      '--ro-bind',
      tools.node,
      `${ENGINE_MOUNT}/envd`,
      '--ro-bind',
      tools.agent,
      `${ENGINE_MOUNT}/agent.mjs`,
    ],
    ...(tools.pty ? ['--ro-bind', tools.pty, `${ENGINE_MOUNT}/pty.node`] : []),
    ...['--perms', '0700', '--tmpfs', `${ENGINE_MOUNT}/io`, '--remount-ro', ENGINE_MOUNT],
    ...(plan.hostNetwork ? hostNetworkFiles() : []),
    ...['--chdir', '/', '--clearenv', '--setenv', 'PATH', SEARCH_PATH, '--setenv', 'UV_THREADPOOL_SIZE', '1'],
    ...['--info-fd', String(JailFd.info), '--block-fd', String(JailFd.gate)],
  ];
}

/** Where files in closed places are shown, seen by the processes that start a sandbox alone. */
const STAGE = '/tmp';

/** A plan in which every path lies in the open place, and the arguments with which root's bubblewrap makes it so. */
export function stage(plan: JailPlan): { plan: JailPlan; args: string[] } {
  const { tools } = plan;
  const shown = {
    root: plan.rootDir,
    node: tools.node,
    agent: tools.agent,
    ...(tools.pty ? { pty: tools.pty } : {}),
  };
  const binds = Object.entries(shown).flatMap(([name, path]) => ['--bind', path, `${STAGE}/${name}`]);
  const args = ['--dev-bind', '/', '/', '--tmpfs', STAGE, ...binds, '--die-with-parent'];
  const staged = { node: `${STAGE}/node`, agent: `${STAGE}/agent`, pty: tools.pty ? `${STAGE}/pty` : null };
  return { plan: { ...plan, rootDir: `${STAGE}/root`, tools: { ...tools, ...staged } }, args };
}

/** The command that runs inside: limits are set there, so that they count for the sandbox alone. */
export function agentCommand(tools: JailTools): string[] {
  return [
    ...[tools.prlimit, `--nproc=${processLimit()}`, `--nofile=${FILE_LIMIT}`, '--core=0'],
    ...[`${ENGINE_MOUNT}/envd`, ...AGENT_FLAGS, `${ENGINE_MOUNT}/agent.mjs`],
  ];
}

/** Small and with few threads: there is one for each sandbox in use, and threads count against its limit. */
const AGENT_FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=1', '--v8-pool-size=1'];

/** Mount points that a started sandbox must show, in any order. More or others mean that its files led astray. */
export function expectedMounts(plan: JailPlan): string[] {
  const args = jailArguments(plan);
  return args.flatMap((flag, index) => {
    if (flag === '--bind' || flag === '--ro-bind' || flag === '--ro-bind-try') return args[index + 2] ?? [];
    return flag === '--tmpfs' || flag === '--proc' || flag === '--dev' ? (args[index + 1] ?? []) : [];
  });
}

/** Descriptors of ours that every child would inherit; what started the engine left them open. */
export function leakedDescriptors(): number[] {
  // Found once: what Node itself opens later is closed for children.
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

/** A descriptor of the null device to put over those that would leak. */
export function coverDescriptor(): number {
  cover ??= openSync('/dev/null', 'r+');
  return cover;
}

/** Before 5.14 the limit counts every process of the user on the machine, also those outside the sandbox. */
function processLimit(): number {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const countsPerNamespace = major > 5 || (major === 5 && minor >= 14);
  return countsPerNamespace || process.getuid?.() === 0 ? PROCESS_LIMIT : 16 * PROCESS_LIMIT;
}

/** Names and certificates, without which a shared network is of little use. */
function hostNetworkFiles(): string[] {
  return ['/etc/resolv.conf', '/etc/ssl/certs'].flatMap((path) => ['--ro-bind-try', path, path]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
