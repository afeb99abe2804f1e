import { statSync } from 'node:fs';
import { Connection } from './agent-connection';
import { EngineLink, type Subject } from './agent-link';
import { PipePool } from './agent-pipes';
import { PipeProcess } from './agent-process';
import { TerminalProcess } from './agent-terminal';
import { type Frame, FrameKind, type Refusal, type SpawnRequest } from './frames';

/**
 * Carries out the engine's requests: starts processes and terminals, relays their input and output, delivers signals and
 * opens connections.
 */

const LINK_FD = 3;
const PIPES_DIR = '/run/moru/engine/io';

const subjects = new Map<number, Subject>();
const pipes = new PipePool(PIPES_DIR);
/** Frames for processes that are still starting, delivered after the start. */
const waiting = new Map<number, Frame[]>();

/** Serves the engine until it closes the connection, which ends this process. */
export function serveEngine(): void {
  // The same name as in the cloud. With `node`, a `pkill node` in the sandbox would hit the agent.
  process.title = 'envd';
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) {
    process.on(signal, () => {});
  }
  const link = new EngineLink(LINK_FD, (frame) => handle(link, frame));
  pipes.fill().then(
    () => link.send(FrameKind.ready, 0),
    () => process.exit(1),
  );
}

function handle(link: EngineLink, frame: Frame): void {
  const held = waiting.get(frame.subject);
  if (held) held.push(frame);
  else if (frame.kind === FrameKind.spawn) void start(link, frame);
  else if (frame.kind === FrameKind.dial) dial(link, frame);
  else deliver(frame);
}

function deliver(frame: Frame): void {
  const subject = subjects.get(frame.subject);
  if (!subject) return;
  try {
    apply(subject, frame);
  } catch {
    // The process has just ended, so it cannot be signalled or resized. Its `ended` frame follows.
  }
}

function apply(subject: Subject, { kind, payload }: Frame): void {
  if (kind === FrameKind.input) subject.input(payload);
  else if (kind === FrameKind.credit) subject.credit(payload.readUInt32BE(0));
  else if (kind === FrameKind.resize) subject.resize(payload.readUInt16BE(0), payload.readUInt16BE(2));
  else if (kind === FrameKind.signal) subject.signal(payload.readUInt8(0));
  else if (kind === FrameKind.finish) subject.finish();
  else if (kind === FrameKind.drop) subject.drop();
}

async function start(link: EngineLink, { subject, payload }: Frame): Promise<void> {
  // The engine is trusted.
  const request = JSON.parse(payload.toString('utf8')) as SpawnRequest;
  const held: Frame[] = [];
  waiting.set(subject, held);
  const onEnd = () => subjects.delete(subject);
  try {
    if (!isDirectory(request.cwd)) {
      link.refuse(subject, { reason: 'cwd', message: request.cwd });
      return;
    }
    const { pty } = request;
    const started = pty
      ? new TerminalProcess(link, subject, { ...request, pty }, onEnd)
      : await PipeProcess.start(link, subject, request, pipes, onEnd);
    subjects.set(subject, started);
  } catch (error) {
    link.refuse(subject, toRefusal(error, request.cmd));
  } finally {
    waiting.delete(subject);
    for (const frame of held) deliver(frame);
  }
}

function dial(link: EngineLink, { subject, payload }: Frame): void {
  const onEnd = () => subjects.delete(subject);
  subjects.set(subject, new Connection(link, subject, payload.readUInt16BE(0), onEnd));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Describes the error as a shell would, without mentioning `spawn`. */
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
  return (
    (Object.hasOwn(known, code) ? known[code] : undefined) ?? {
      reason: 'internal',
      message: message.slice(0, 500),
    }
  );
}
