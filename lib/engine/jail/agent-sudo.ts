import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { applyFrame, type Link, refusalOf, type Subject } from './agent-link';
import type { PipePool } from './agent-pipes';
import { PipeProcess } from './agent-process';
import { TerminalProcess } from './agent-terminal';
import {
  encodeFrame,
  encodeJson,
  type Frame,
  FrameKind,
  FrameReader,
  MAX_REQUEST_BYTES,
  type SpawnRequest,
} from './frames';

/** Open to every process of the sandbox: its user may become root without a password, as in the cloud. */
export const SUDO_SOCKET = '/run/moru/engine/sudo/socket';
const SUBJECT = 1;
const SIGHUP = 1;

/**
 * Starts programs as another user for `sudo`. Set-user-ID programs have no effect inside, so the agent, which is root, starts
 * them. A client speaks the protocol of the engine, with one process for each connection.
 */
export function serveSudo(pipes: PipePool): void {
  const server = createServer((socket) => serveCall(socket, pipes));
  server.on('error', () => {});
  server.listen(SUDO_SOCKET, () => chmodSync(SUDO_SOCKET, 0o666));
}

function serveCall(socket: Socket, pipes: PipePool): void {
  const frames = new FrameReader(MAX_REQUEST_BYTES);
  const link: Link = {
    send: (kind, subject, payload) => {
      if (!socket.destroyed) socket.write(encodeFrame(kind, subject, payload));
    },
    refuse: (subject, refusal) => link.send(FrameKind.refused, subject, encodeJson(refusal)),
  };
  let starting: Promise<Subject | null> | null = null;
  const handle = (frame: Frame) => {
    if (frame.kind === FrameKind.spawn) starting ??= start(link, frame, pipes, () => socket.end());
    else void starting?.then((subject) => subject && applyFrame(subject, frame));
  };
  socket.on('data', (chunk) => {
    try {
      for (const frame of frames.read(chunk)) handle(frame);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => {});
  // The caller has ended, and so does its program.
  socket.once('close', () => void starting?.then((subject) => subject?.signal(SIGHUP)));
}

async function start(
  link: Link,
  { payload }: Frame,
  pipes: PipePool,
  onEnd: () => void,
): Promise<Subject | null> {
  let cmd = '';
  try {
    const request = JSON.parse(payload.toString('utf8')) as SpawnRequest;
    cmd = request.cmd;
    const { pty } = request;
    const end = () => setImmediate(onEnd);
    return pty
      ? new TerminalProcess(link, SUBJECT, { ...request, pty }, end)
      : await PipeProcess.start(link, SUBJECT, request, pipes, end);
  } catch (error) {
    link.refuse(SUBJECT, refusalOf(error, cmd));
    onEnd();
    return null;
  }
}
