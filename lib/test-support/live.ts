import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { parseServerFrame, type ServerFrame, unpackBytes } from '../live/protocol';

type Upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Listens for upgrades at a port (0: any free one) until the test ends. */
export async function serveUpgrades(upgrade: Upgrade, port = 0) {
  const server = createServer((_req, res) => res.writeHead(404).end());
  server.on('upgrade', upgrade);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

/** What became of an attempt to open a socket: an open one, or the refusal over HTTP. */
export type Opening = { client: LiveClient; status: 101 } | { client: null; status: number; text: string };

export type LiveClient = {
  socket: WebSocket;
  frames: ServerFrame[];
  /** What came as bytes, with its place. */
  bytes: NonNullable<ReturnType<typeof unpackBytes>>[];
  /** The close code, once it is closed. */
  closed: Promise<number>;
  send: (frame: unknown) => void;
};

/** Opens `/live` as a browser would, with these headers. */
export function openLive(port: number, headers: Record<string, string> = {}): Promise<Opening> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers });
  onTestFinished(() => socket.terminate());
  const frames: ServerFrame[] = [];
  const bytes: LiveClient['bytes'] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      const packed = unpackBytes(data);
      if (packed === null) throw new Error('Not a binary frame of ours.');
      bytes.push({ ...packed, bytes: new Uint8Array(packed.bytes) });
      return;
    }
    const frame = parseServerFrame(data.toString());
    if (frame === null) throw new Error(`Not a frame: ${data}`);
    frames.push(frame);
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const send = (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ client: { socket, frames, bytes, closed, send }, status: 101 }));
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ client: null, status: response.statusCode ?? 0, text }));
    });
    socket.on('error', reject);
  });
}
