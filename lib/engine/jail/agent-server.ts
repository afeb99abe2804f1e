import { statSync } from 'node:fs';
import { Connection } from './agent-connection';
import { applyFrame, EngineLink, refusalOf, type Subject } from './agent-link';
import { PipePool } from './agent-pipes';
import { PipeProcess } from './agent-process';
import { serveSudo } from './agent-sudo';
import { TerminalProcess } from './agent-terminal';
import { type Frame, FrameKind, type SpawnRequest } from './frames';

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
  if (process.getuid?.() === 0) serveSudo(pipes);
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
    applyFrame(subject, frame);
  } catch {
    // The process has just ended, so it cannot be signalled or resized. Its `ended` frame follows.
  }
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
    link.refuse(subject, refusalOf(error, request.cmd));
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
