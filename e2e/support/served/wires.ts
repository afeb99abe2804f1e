import type { Socket } from 'node:net';

/** The network between a component test and the running Sandkeeper, which can be cut. A test names its wire with a cookie. */

const key = Symbol.for('sandkeeper.wires');
const holder = globalThis as unknown as Record<symbol, Map<string, Wire> | undefined>;

/** `sockets`: requests still pass, as through a proxy that knows no WebSockets. */
type Cut = 'whole' | 'sockets';
type Wire = { sockets: Set<Socket>; cut: Cut | null };

/** Vitest loads the configuration more than once. */
function wireOf(name: string): Wire {
  holder[key] ??= new Map();
  const wires = holder[key];
  const wire = wires.get(name) ?? { sockets: new Set(), cut: null };
  wires.set(name, wire);
  return wire;
}

export function isCut(name: string | undefined): boolean {
  return name !== undefined && wireOf(name).cut === 'whole';
}

/** Adds the WebSocket of a browser to a wire. Destroys it at once if the wire is cut. */
export function addToWire(name: string | undefined, socket: Socket): void {
  if (name === undefined) return;
  const wire = wireOf(name);
  if (wire.cut !== null) {
    socket.destroy();
    return;
  }
  wire.sockets.add(socket);
  socket.once('close', () => wire.sockets.delete(socket));
}

/** Ends the WebSockets of a wire, and rejects new ones and, unless only sockets are cut, requests until `mendWire`. */
export function cutWire(name: string, cut: Cut = 'whole'): void {
  const wire = wireOf(name);
  wire.cut = cut;
  for (const socket of wire.sockets) socket.destroy();
}

export function mendWire(name: string): void {
  wireOf(name).cut = null;
}
