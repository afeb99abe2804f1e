import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { parseServerFrame, type ServerFrame, unpackBytes } from '../live/protocol';

type Upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Serves WebSocket upgrades until the test ends. Port 0 picks any free port. */
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

/** The result of opening a socket: a client, or the HTTP response that rejected it. */
export type Opening = { client: LiveClient; status: 101 } | { client: null; status: number; text: string };

export type LiveClient = {
  socket: WebSocket;
  frames: ServerFrame[];
  bytes: NonNullable<ReturnType<typeof unpackBytes>>[];
  /** Resolves to the close code. */
  closed: Promise<number>;
  send: (frame: unknown) => void;
};

/** Opens `/live` with the given headers, like a browser. */
export function openLive(port: number, headers: Record<string, string> = {}): Promise<Opening> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers });
  onTestFinished(() => socket.terminate());
  const frames: ServerFrame[] = [];
  const bytes: LiveClient['bytes'] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      const packed = unpackBytes(data);
      if (packed === null) throw new Error('Unknown binary frame');
      bytes.push({ ...packed, bytes: new Uint8Array(packed.bytes) });
      return;
    }
    const frame = parseServerFrame(data.toString());
    if (frame === null) throw new Error(`Unknown frame: ${data}`);
    // Sent to every socket, whatever it subscribed to.
    if (frame.type !== 'hello' && frame.type !== 'beat') frames.push(frame);
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
