import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** A forwarded request. Times are in ms of `performance.now()`. */
export type Relayed = {
  method: string;
  path: string;
  beganMs: number;
  /** When the response ended or the request was aborted; `null` before that. */
  endedMs: number | null;
};

/** What a proxy does to WebSockets: refuse them with 404, or accept them and pass nothing on. */
export type Upgrades = 'refused' | 'swallowed';

/** A proxy in front of a server that records all requests. */
export class Relay {
  readonly requests: Relayed[] = [];
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(target: string, upgrades: Upgrades | undefined) {
    this.#server = createServer((incoming, outgoing) => {
      const { method = '', url = '/', headers } = incoming;
      const entry: Relayed = { method, path: url, beganMs: performance.now(), endedMs: null };
      this.requests.push(entry);
      const onward = request(new URL(url, target), { method, headers, agent: this.#agent }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => incoming.socket.destroy());
      incoming.pipe(onward);
      outgoing.on('close', () => {
        entry.endedMs = performance.now();
        // The client has disconnected.
        if (!outgoing.writableFinished) onward.destroy();
      });
    });
    if (upgrades === 'refused')
      this.#server.on('upgrade', (_incoming, socket) =>
        socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
      );
    if (upgrades === 'swallowed') {
      const accepting = new WebSocketServer({ noServer: true });
      this.#server.on('upgrade', (incoming, socket, head) =>
        accepting.handleUpgrade(incoming, socket, head, () => {}),
      );
    }
  }

  static async open(target: string, { upgrades }: { upgrades?: Upgrades } = {}): Promise<Relay> {
    const relay = new Relay(target, upgrades);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The kill requests, with the ids of the sandboxes. */
  get kills(): (Relayed & { sandboxId: string })[] {
    return this.requests.flatMap((entry) => {
      const sandboxId = entry.method === 'DELETE' && /^\/sandboxes\/([^/]+)$/.exec(entry.path)?.[1];
      return sandboxId ? [{ ...entry, sandboxId }] : [];
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
