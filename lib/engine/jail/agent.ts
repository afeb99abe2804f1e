import { statSync } from 'node:fs';
import { Connection } from './agent-dial';
import { EngineLink, type Subject } from './agent-link';
import { PipePool } from './agent-pipes';
import { PipeProcess } from './agent-process';
import { TerminalProcess } from './agent-terminal';
import { type Frame, FrameKind, type Refusal, type SpawnOrder } from './frames';

/**
 * The program that runs inside a sandbox and does what the engine asks: starts processes and terminals, carries their
 * input and output, delivers signals, opens connections. It has the sandbox's rights and nothing more, it never
 * decides anything, and the engine believes nothing it says without checking.
 *
 * Bundled on its own (`build/agent.mjs`), so it imports only its neighbours and what Node brings.
 */

/** The descriptor that the engine hands over. */
const LINK_FD = 3;
const PIPES_DIR = '/run/moru/engine/io';

const subjects = new Map<number, Subject>();
const pipes = new PipePool(PIPES_DIR);
/** Frames for a process that is being started; they must not overtake the start. */
const waiting = new Map<number, Frame[]>();

// Named like its counterpart in the cloud: `pkill node` in a sandbox means the sandbox's own servers.
process.title = 'envd';
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) {
  process.on(signal, () => {});
}

const link = new EngineLink(LINK_FD, handle);

pipes.fill().then(
  () => link.send(FrameKind.ready, 0),
  () => process.exit(1),
);

function handle(frame: Frame): void {
  const held = waiting.get(frame.subject);
  if (held) held.push(frame);
  else if (frame.kind === FrameKind.spawn) void start(frame);
  else if (frame.kind === FrameKind.dial) dial(frame);
  else deliver(frame);
}

function deliver(frame: Frame): void {
  const subject = subjects.get(frame.subject);
  if (!subject) return;
  try {
    act(subject, frame);
  } catch {
    // A process that ended a moment ago cannot be signalled or resized any more; its end is on the way.
  }
}

function act(subject: Subject, { kind, payload }: Frame): void {
  if (kind === FrameKind.input) subject.input(payload);
  else if (kind === FrameKind.credit) subject.credit(payload.readUInt32BE(0));
  else if (kind === FrameKind.resize) subject.resize(payload.readUInt16BE(0), payload.readUInt16BE(2));
  else if (kind === FrameKind.signal) subject.signal(payload.readUInt8(0));
  else if (kind === FrameKind.finish) subject.finish();
  else if (kind === FrameKind.drop) subject.drop();
}

async function start({ subject, payload }: Frame): Promise<void> {
  // The engine writes this frame; its shape is its promise.
  const order = JSON.parse(payload.toString('utf8')) as SpawnOrder;
  const held: Frame[] = [];
  waiting.set(subject, held);
  const onOver = () => subjects.delete(subject);
  try {
    if (!isDirectory(order.cwd)) {
      link.refuse(subject, { reason: 'cwd', message: order.cwd });
      return;
    }
    const { pty } = order;
    const started = pty
      ? new TerminalProcess(link, subject, { ...order, pty }, onOver)
      : await PipeProcess.start(link, subject, order, pipes, onOver);
    subjects.set(subject, started);
  } catch (error) {
    link.refuse(subject, toRefusal(error, order.cmd));
  } finally {
    waiting.delete(subject);
    for (const frame of held) deliver(frame);
  }
}

function dial({ subject, payload }: Frame): void {
  const onOver = () => subjects.delete(subject);
  subjects.set(subject, new Connection(link, subject, payload.readUInt16BE(0), onOver));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** In the words that a shell would use; `spawn` speaks of itself. */
function toRefusal(error: unknown, cmd: string): Refusal {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, Refusal> = {
    ENOENT: { reason: 'exec', message: `${cmd}: no such file or directory` },
    ENOTDIR: { reason: 'exec', message: `${cmd}: not a directory` },
    EACCES: { reason: 'exec', message: `${cmd}: permission denied` },
    ENOEXEC: { reason: 'exec', message: `${cmd}: exec format error` },
    E2BIG: { reason: 'exec', message: `${cmd}: argument list too long` },
    EAGAIN: { reason: 'limit', message: 'the sandbox has reached its limit of processes' },
    EMFILE: { reason: 'limit', message: 'the sandbox has reached its limit of open files' },
    ENOMEM: { reason: 'limit', message: 'the sandbox has no memory left' },
  };
  const message = error instanceof Error ? error.message : String(error);
  return known[code] ?? { reason: 'internal', message: message.slice(0, 500) };
}
