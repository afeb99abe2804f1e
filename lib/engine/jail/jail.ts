import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuestRoot } from '../safe-fs/guest-root';
import {
  agentCommand,
  coverDescriptor,
  expectedMounts,
  JailFd,
  type JailPlan,
  jailArguments,
  leakedDescriptors,
  stage,
} from './bubblewrap';
import type { Cgroup, Cgroups } from './cgroups';
import { exactEnv } from './environment';
import { encodeFrame, type Frame, FrameKind, FrameReader, REPORT_LIMIT_BYTES } from './frames';
import { type Frozen, freeze } from './freezer';
import { isSameProcess, type ProcessStat, readProcess, signalProcess } from './process-tree';
import { repairRoot } from './rootfs';
import { readHostText } from './skeleton';

/** How long a sandbox may take from bubblewrap's start to the agent's first word. */
const START_DEADLINE_MS = 20_000;
/** How long it may take until everything is mounted where it should be. */
const MOUNT_DEADLINE_MS = 10_000;
/** How much of what bubblewrap says is kept for the error message. */
const COMPLAINT_BYTES = 2_000;
/** Bytes that may wait for an agent that does not read. */
const BACKLOG_LIMIT_BYTES = 32 * 1024 * 1024;

export type JailOptions = JailPlan & {
  readonly id: string;
  readonly root: GuestRoot;
  readonly cgroups: Cgroups | null;
  /** A frame from the agent: hostile input. */
  onFrame(frame: Frame): void;
};

/** A sandbox's processes: one bubblewrap, its namespaces and the agent within. */
export class Jail {
  readonly #bwrap: ChildProcess;
  readonly #link: Duplex;
  /** Resolves when none of its processes is left, whatever the reason. */
  readonly ended: Promise<void>;
  /** True from the moment its end is certain: what is asked of it now would be lost. */
  isEnding = false;
  #frozen: Frozen | null = null;
  #isOver = false;

  private constructor(
    bwrap: ChildProcess,
    /** The first process of the sandbox as the host sees it. When it dies everything inside dies with it. */
    readonly init: ProcessStat,
    link: Duplex,
    readonly cgroup: Cgroup | null,
  ) {
    this.#bwrap = bwrap;
    this.#link = link;
    this.ended = this.#waitForEnd();
  }

  /**
   * Starts an empty sandbox and waits until its agent listens.
   * @throws with one sentence that can be shown when it does not come up
   */
  static async start(options: JailOptions): Promise<Jail> {
    repairRoot(options.root);
    const bwrap = spawnBubblewrap(options);
    const complaint = collect(pipeOf(bwrap, 2));
    const link = pipeOf(bwrap, JailFd.link) as Duplex;
    link.on('error', () => {});
    const failed = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`The sandbox could not be started: ${describe(complaint())}`));
      bwrap.once('error', fail).once('exit', fail);
      setTimeout(fail, START_DEADLINE_MS).unref();
    });
    let cgroup: Cgroup | null = null;
    let init: ProcessStat | undefined;
    try {
      init = await Promise.race([readInit(pipeOf(bwrap, JailFd.info)), failed]);
      await Promise.race([checkMounts(init.pid, options), failed]);
      cgroup = joinCgroup(options, init.pid);
      offerToKernel(init.pid);
      (pipeOf(bwrap, JailFd.gate) as Duplex).end('.');
      const jail = new Jail(bwrap, init, link, cgroup);
      await Promise.race([jail.#listen(options.onFrame), failed]);
      return jail;
    } catch (error) {
      // Its first process may still wait at the gate, where it does not yet die with bubblewrap.
      if (init) signalProcess(init, 'SIGKILL');
      bwrap.kill('SIGKILL');
      for (const pipe of bwrap.stdio) pipe?.destroy();
      cgroup?.remove();
      throw error;
    }
  }

  /** False when the agent does not take in what it was sent; nothing more should be sent then. */
  get isReceptive(): boolean {
    return !this.#isOver && this.#link.writableLength < BACKLOG_LIMIT_BYTES;
  }

  send(kind: FrameKind, subject: number, payload?: Buffer): void {
    if (!this.#isOver) this.#link.write(encodeFrame(kind, subject, payload));
  }

  /** Makes every process stand still. @throws when that fails; everything runs on then */
  async freeze(): Promise<void> {
    this.#frozen ??= await freeze(this.init.pid, this.cgroup);
  }

  async thaw(): Promise<void> {
    const frozen = this.#frozen;
    this.#frozen = null;
    await frozen?.thaw();
  }

  /** Ends every process at once, frozen ones too. Resolves when they are gone. */
  kill(): Promise<void> {
    this.isEnding = true;
    if (!signalProcess(this.init, 'SIGKILL')) this.#bwrap.kill('SIGKILL');
    return this.ended;
  }

  #listen(onFrame: (frame: Frame) => void): Promise<void> {
    const frames = new FrameReader(REPORT_LIMIT_BYTES);
    return new Promise((resolve) => {
      this.#link.on('data', (chunk: Buffer) => {
        try {
          for (const frame of frames.read(chunk)) {
            if (frame.kind === FrameKind.ready) resolve();
            else onFrame(frame);
          }
        } catch {
          // Not our agent any more: what is inside has taken it over, or broken it.
          this.#link.destroy();
          void this.kill();
        }
      });
      // Without its agent a sandbox cannot be reached; the next command starts it anew.
      this.#link.once('close', () => void this.kill());
    });
  }

  async #waitForEnd(): Promise<void> {
    if (this.#bwrap.exitCode === null && this.#bwrap.signalCode === null) {
      await new Promise((resolve) => this.#bwrap.once('exit', resolve));
    }
    this.#isOver = true;
    this.isEnding = true;
    // Bubblewrap leaves as soon as the agent has; the rest is killed by the kernel right after.
    while (signalProcess(this.init, 'SIGKILL') || isSameProcess(this.init)) await delay(1);
    this.#link.destroy();
    this.cgroup?.remove();
  }
}

function spawnBubblewrap(options: JailOptions): ChildProcess {
  const { bwrap: program, setpriv } = options.tools;
  const { uid, gid } = options.root;
  const inner = ['--args', String(JailFd.args), '--', ...agentCommand(options.tools)];
  // Another user, and none of our groups: Node drops the supplementary ones when it is given a user.
  const ids = process.getuid?.() === uid ? {} : { uid, gid };
  if (!setpriv) {
    const bwrap = spawn(program, inner, { cwd: '/', env: exactEnv({}), stdio: stdioOf(), ...ids });
    return feed(bwrap, JailFd.args, jailArguments(options));
  }
  const { plan, args } = stage(options);
  const drop = [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', program, ...inner];
  const outer = ['--args', String(JailFd.stageArgs), '--', ...drop];
  const bwrap = spawn(program, outer, { cwd: '/', env: exactEnv({}), stdio: stdioOf() });
  return feed(feed(bwrap, JailFd.stageArgs, args), JailFd.args, jailArguments(plan));
}

/** Pipes for what bubblewrap finds open, and covers for what the engine itself was started with. */
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

/** Hands bubblewrap its arguments where neither the command line nor the environment shows them. */
function feed(bwrap: ChildProcess, fd: number, args: readonly string[]): ChildProcess {
  bwrap.on('error', () => {});
  pipeOf(bwrap, 1).resume();
  for (const written of [fd, JailFd.gate]) pipeOf(bwrap, written).on('error', () => {});
  (pipeOf(bwrap, fd) as Duplex).end(`${args.join('\0')}\0`);
  return bwrap;
}

/** The sandbox's first process, as bubblewrap reports it. */
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
 * Bubblewrap follows links when it mounts. They were repaired before, but a request may have moved one back meanwhile:
 * so what is mounted is compared with what should be, before anything of the sandbox runs. Also waits until it is
 * mounted: bubblewrap reports the process first.
 */
async function checkMounts(initPid: number, plan: JailPlan): Promise<void> {
  const deadline = Date.now() + MOUNT_DEADLINE_MS;
  const expected = new Set(expectedMounts(plan));
  while (!isMountedAs(initPid, expected)) {
    if (Date.now() > deadline) {
      throw new Error('The sandbox could not be started: its files changed while it was.');
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
    cgroup = options.cgroups?.make(options.id);
    cgroup?.add(pid);
    return cgroup ?? null;
  } catch {
    cgroup?.remove();
    return null;
  }
}

/** When memory runs out on this machine, a sandbox's processes go before anything else does. */
function offerToKernel(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '800');
  } catch {
    // Not allowed here: the kernel decides by size alone.
  }
}

/** All extra descriptors are socket pairs, so each can be read; Node's types cannot say so. */
function pipeOf(child: ChildProcess, fd: number): Readable {
  return child.stdio[fd] as Readable;
}

function collect(source: Readable): () => string {
  let text = '';
  source.on('data', (chunk) => {
    if (text.length < COMPLAINT_BYTES) text += String(chunk).slice(0, COMPLAINT_BYTES);
  });
  return () => text;
}

/** Bubblewrap's own words, without what names places on this machine. */
function describe(complaint: string): string {
  const line = complaint.split('\n').find((text) => text.startsWith('bwrap: ')) ?? '';
  return line.replace('bwrap: ', '').replace(/\/[^\s:]+/g, '<path>') || 'its agent did not answer';
}
