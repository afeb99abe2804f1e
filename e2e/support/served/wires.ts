import type { Socket } from 'node:net';

/** The network between a component test and the running Sandkeeper, which can be cut. A test names its wire with a cookie. */

const key = Symbol.for('sandkeeper.wires');
const holder = globalThis as unknown as Record<symbol, Map<string, Wire> | undefined>;

type Wire = { sockets: Set<Socket>; isCut: boolean };

/** Vitest loads the configuration more than once. */
function wireOf(name: string): Wire {
  holder[key] ??= new Map();
  const wires = holder[key];
  const wire = wires.get(name) ?? { sockets: new Set(), isCut: false };
  wires.set(name, wire);
  return wire;
}

export function isCut(name: string | undefined): boolean {
  return name !== undefined && wireOf(name).isCut;
}

/** Adds the WebSocket of a browser to a wire. Destroys it at once if the wire is cut. */
export function addToWire(name: string | undefined, socket: Socket): void {
  if (name === undefined) return;
  const wire = wireOf(name);
  if (wire.isCut) {
    socket.destroy();
    return;
  }
  wire.sockets.add(socket);
  socket.once('close', () => wire.sockets.delete(socket));
}

/** Ends the WebSockets of a wire, and rejects requests and new WebSockets until `mendWire`. */
export function cutWire(name: string): void {
  const wire = wireOf(name);
  wire.isCut = true;
  for (const socket of wire.sockets) socket.destroy();
}

export function mendWire(name: string): void {
  wireOf(name).isCut = false;
}
