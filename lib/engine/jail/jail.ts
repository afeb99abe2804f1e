import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuestRoot } from '../safe-fs/guest-root';
import {
  agentCommand,
  coverDescriptor,
  expectedMounts,
  FILTER,
  JailFd,
  type JailPlan,
  jailArguments,
  leakedDescriptors,
  SUDO,
  stage,
} from './bubblewrap';
import type { Cgroup, Cgroups } from './cgroups';
import { exactEnv } from './environment';
import { encodeFrame, type Frame, FrameKind, FrameReader, MAX_REPORT_BYTES } from './frames';
import { type Frozen, freeze } from './freezer';
import { launcherOf } from './host-python';
import type { LimitGroup, LimitGroups } from './limit-groups';
import { OOM_SCORES, setOomScore } from './oom-score';
import { isSameProcess, type ProcessStat, readProcess, signalProcess } from './process-tree';
import { INSIDE_GID, INSIDE_UID, repairRoot } from './rootfs';
import { readHostText } from './skeleton';

/** Time limit from bubblewrap's start to the agent's first frame. */
const START_DEADLINE_MS = 20_000;
const MOUNT_DEADLINE_MS = 10_000;
/** Bubblewrap's error output kept for the error message. */
const MAX_STDERR_CHARS = 2_000;
/** Bytes queued for an agent that does not read. */
const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;

export type JailOptions = JailPlan & {
  readonly root: GuestRoot;
  readonly cgroups: Cgroups | null;
  readonly limitGroups: LimitGroups | null;
  /** Receives a frame from the agent, which is untrusted. */
  onFrame(frame: Frame): void;
};

/** A pause or copy, or the guard while it measures. */
type Holder = 'step' | 'guard';

/** A running sandbox: bubblewrap, its namespaces and the agent inside. */
export class Jail {
  readonly #bwrap: ChildProcess;
  readonly #link: Duplex;
  /** Resolves when none of its processes is left, for any reason. */
  readonly ended: Promise<void>;
  /** Whether it is about to end; requests sent now would be lost. */
  isEnding = false;
  #frozen: Frozen | null = null;
  /** Who wants the processes to stand still. */
  readonly #holders = new Set<Holder>();
  #settled: Promise<void> = Promise.resolve();
  #hasEnded = false;

  private constructor(
    bwrap: ChildProcess,
    /** The sandbox's first process. When it ends, the kernel kills all others. */
    readonly init: ProcessStat,
    link: Duplex,
    readonly cgroup: Cgroup | null,
    readonly limitGroup: LimitGroup | null,
  ) {
    this.#bwrap = bwrap;
    this.#link = link;
    this.ended = this.#waitForEnd();
  }

  /**
   * Starts a sandbox and waits until its agent is ready.
   * @throws an error with a message for people if it does not start
   */
  static async start(options: JailOptions): Promise<Jail> {
    repairRoot(options.root);
    const bwrap = spawnBubblewrap(options);
    const readStderr = collect(pipeOf(bwrap, 2));
    const link = pipeOf(bwrap, JailFd.link) as Duplex;
    link.on('error', () => {});
    const failed = new Promise<never>((_, reject) => {
      const fail = () =>
        reject(new Error(`The sandbox could not be started: ${describeFailure(readStderr())}`));
      bwrap.once('error', fail).once('exit', fail);
      setTimeout(fail, START_DEADLINE_MS).unref();
    });
    let cgroup: Cgroup | null = null;
    let limitGroup: LimitGroup | null = null;
    let init: ProcessStat | undefined;
    try {
      init = await Promise.race([readInit(pipeOf(bwrap, JailFd.info)), failed]);
      mapUsers(init.pid, options.root);
      (pipeOf(bwrap, JailFd.userns) as Duplex).end('.');
      await Promise.race([checkMounts(init.pid, options), failed]);
      cgroup = joinCgroup(options, init.pid);
      limitGroup = options.limitGroups?.make(options.limits) ?? null;
      limitGroup?.add(init.pid);
      setOomScore(init.pid, OOM_SCORES.agent);
      (pipeOf(bwrap, JailFd.block) as Duplex).end('.');
      const jail = new Jail(bwrap, init, link, cgroup, limitGroup);
      await Promise.race([jail.#listen(options.onFrame), failed]);
      return jail;
    } catch (error) {
      // While blocked, the first process does not yet end with bubblewrap.
      if (init) signalProcess(init, 'SIGKILL');
      bwrap.kill('SIGKILL');
      for (const pipe of bwrap.stdio) pipe?.destroy();
      cgroup?.remove();
      limitGroup?.remove();
      throw error;
    }
  }

  /** False if too much is queued for the agent. */
  get isWritable(): boolean {
    return !this.#hasEnded && this.#link.writableLength < MAX_BACKLOG_BYTES;
  }

  send(kind: FrameKind, subject: number, payload?: Buffer): void {
    if (!this.#hasEnded) this.#link.write(encodeFrame(kind, subject, payload));
  }

  /** Stops every process until all holders have let go. @throws if that fails; the processes then run again */
  async freeze(holder: Holder = 'step'): Promise<void> {
    this.#holders.add(holder);
    try {
      await this.#settle();
    } catch (error) {
      this.#holders.delete(holder);
      throw error;
    }
  }

  async thaw(holder: Holder = 'step'): Promise<void> {
    this.#holders.delete(holder);
    await this.#settle();
  }

  /** One change at a time, because a second one would take what the first has stopped for stopped by the sandbox itself. */
  #settle(): Promise<void> {
    const change = async () => {
      const frozen = this.#frozen;
      if (this.#holders.size > 0) this.#frozen ??= await freeze(this.init.pid, this.cgroup);
      else if (frozen) {
        this.#frozen = null;
        await frozen.thaw();
      }
    };
    this.#settled = this.#settled.catch(() => {}).then(change);
    return this.#settled;
  }

  /** Resolves when every process has ended, including frozen ones. */
  kill(): Promise<void> {
    this.isEnding = true;
    if (!signalProcess(this.init, 'SIGKILL')) this.#bwrap.kill('SIGKILL');
    return this.ended;
  }

  #listen(onFrame: (frame: Frame) => void): Promise<void> {
    const frames = new FrameReader(MAX_REPORT_BYTES);
    return new Promise((resolve) => {
      this.#link.on('data', (chunk: Buffer) => {
        try {
          for (const frame of frames.read(chunk)) {
            if (frame.kind === FrameKind.ready) resolve();
            else onFrame(frame);
          }
        } catch {
          // An invalid frame means that a process in the sandbox has taken over or broken the agent.
          this.#link.destroy();
          void this.kill();
        }
      });
      // A sandbox without an agent is unreachable. The next command starts a new one.
      this.#link.once('close', () => void this.kill());
    });
  }

  async #waitForEnd(): Promise<void> {
    if (this.#bwrap.exitCode === null && this.#bwrap.signalCode === null) {
      await new Promise((resolve) => this.#bwrap.once('exit', resolve));
    }
    this.#hasEnded = true;
    this.isEnding = true;
    // Bubblewrap exits with the agent. The kernel kills the remaining processes shortly after.
    while (signalProcess(this.init, 'SIGKILL') || isSameProcess(this.init)) await delay(1);
    this.#link.destroy();
    this.cgroup?.remove();
    this.limitGroup?.remove();
  }
}

function spawnBubblewrap(options: JailOptions): ChildProcess {
  const { bwrap: program, setpriv } = options.tools;
  const { uid, gid } = options.root.rootIds ?? options.root;
  const inner = ['--args', String(JailFd.args), '--', ...agentCommand(options)];
  // Node also drops the engine's supplementary groups when `uid` is set.
  const ids = process.getuid?.() === uid ? {} : { uid, gid };
  if (!setpriv) {
    const bwrap = spawn(program, inner, { cwd: '/', env: exactEnv({}), stdio: stdioOf(), ...ids });
    feed(bwrap, JailFd.args, jailArguments(options));
    return feedFiles(bwrap, options);
  }
  const { plan, args } = stage(options);
  const drop = [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', program, ...inner];
  const outer = ['--args', String(JailFd.stageArgs), '--', ...drop];
  const bwrap = spawn(program, outer, { cwd: '/', env: exactEnv({}), stdio: stdioOf() });
  feed(bwrap, JailFd.stageArgs, args);
  feed(bwrap, JailFd.args, jailArguments(plan));
  return feedFiles(bwrap, plan);
}

/** Pipes for bubblewrap's descriptors. Descriptors that it would inherit by accident become the null device. */
function stdioOf(): ('ignore' | 'pipe' | number)[] {
  const stdio: ('ignore' | 'pipe' | number)[] = [
    'ignore',
    ...Object.values(JailFd).map(() => 'pipe' as const),
  ];
  stdio.push('pipe', 'pipe');
  for (const fd of leakedDescriptors()) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (stdio[fd] === 'ignore' && fd > 0) stdio[fd] = coverDescriptor();
  }
  return stdio;
}

/** Passes arguments by descriptor, which hides them from the process list. */
function feed(bwrap: ChildProcess, fd: number, args: readonly string[]): void {
  (pipeOf(bwrap, fd) as Duplex).end(`${args.join('\0')}\0`);
}

/** Passes the files that bubblewrap makes inside. */
function feedFiles(bwrap: ChildProcess, { tools: { python } }: JailPlan): ChildProcess {
  const files = {
    [JailFd.seccomp]: FILTER,
    [JailFd.sudo]: SUDO,
    [JailFd.bootId]: `${randomUUID()}\n`,
    [JailFd.python]: python && launcherOf(python),
  };
  bwrap.on('error', () => {});
  pipeOf(bwrap, 1).resume();
  for (const pipe of bwrap.stdio) pipe?.on('error', () => {});
  for (const [fd, content] of Object.entries(files))
    (pipeOf(bwrap, Number(fd)) as Duplex).end(content ?? undefined);
  return bwrap;
}

/** Maps `root` and `user` inside to their host ids, where the sandbox has both. */
function mapUsers(initPid: number, { uid, gid, rootIds }: GuestRoot): void {
  if (!rootIds) return;
  writeFileSync(`/proc/${initPid}/uid_map`, `0 ${rootIds.uid} 1\n${INSIDE_UID} ${uid} 1\n`);
  writeFileSync(`/proc/${initPid}/gid_map`, `0 ${rootIds.gid} 1\n${INSIDE_GID} ${gid} 1\n`);
}

/** Reads the sandbox's first process from bubblewrap's info. Never resolves if bubblewrap reports none. */
async function readInit(info: Readable): Promise<ProcessStat> {
  let text = '';
  for await (const chunk of info) {
    text += String(chunk);
    const pid = Number(/"child-pid":\s*(\d+)/.exec(text)?.[1]);
    const found = text.includes('}') && Number.isInteger(pid) ? readProcess(pid) : null;
    if (found) return found;
  }
  return new Promise(() => {});
}

/**
 * Waits until the mount points are exactly the expected ones, before the sandbox runs anything. Bubblewrap follows
 * links when it mounts, and a concurrent file request may have put a link back after the repair.
 */
async function checkMounts(initPid: number, plan: JailPlan): Promise<void> {
  const deadline = Date.now() + MOUNT_DEADLINE_MS;
  const expected = new Set(expectedMounts(plan));
  while (!isMountedAs(initPid, expected)) {
    if (Date.now() > deadline) {
      throw new Error('The sandbox could not be started: its files changed during the start. Try again.');
    }
    await delay(1);
  }
}

function isMountedAs(initPid: number, expected: ReadonlySet<string>): boolean {
  const lines = readHostText(`/proc/${initPid}/mountinfo`).split('\n').filter(Boolean);
  const actual = new Set(lines.map((line) => line.split(' ')[4] ?? ''));
  return (
    [...expected].every((place) => actual.has(place) || isOptional(place)) &&
    [...actual].every((place) => expected.has(place) || place.startsWith('/dev/'))
  );
}

const isOptional = (place: string) => place === '/etc/resolv.conf' || place === '/etc/ssl/certs';

function joinCgroup(options: JailOptions, pid: number): Cgroup | null {
  let cgroup: Cgroup | undefined;
  try {
    cgroup = options.cgroups?.make();
    cgroup?.add(pid);
    return cgroup ?? null;
  } catch {
    cgroup?.remove();
    return null;
  }
}

/** Extra descriptors are duplex sockets, which Node's types do not express. */
function pipeOf(child: ChildProcess, fd: number): Readable {
  return child.stdio[fd] as Readable;
}

function collect(source: Readable): () => string {
  let text = '';
  source.on('data', (chunk) => {
    if (text.length < MAX_STDERR_CHARS) text += String(chunk).slice(0, MAX_STDERR_CHARS);
  });
  return () => text;
}

function describeFailure(stderr: string): string {
  const line = stderr.split('\n').find((text) => text.startsWith('bwrap: ')) ?? '';
  return line.replace('bwrap: ', '').replace(/\/[^\s:]+/g, '<path>') || 'its agent did not respond';
}
