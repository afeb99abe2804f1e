// @ts-check
import net from 'node:net';
import { CommandError } from './terminal.mjs';

/**
 * Tries whether a server can listen on a port.
 * @param {number} port
 * @param {string} host
 * @returns {Promise<'free' | 'taken' | 'denied' | 'no-address'>}
 */
export function probePort(port, host) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve('taken');
      else if (error.code === 'EACCES') resolve('denied');
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') resolve('no-address');
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/**
 * @param {number} from the first port to try
 * @param {string} host
 * @param {number[]} [avoid] ports reserved for other services
 * @returns {Promise<number | undefined>} undefined if the next 100 ports are in use
 */
export async function findFreePort(from, host, avoid = []) {
  for (let port = from; port < from + 100 && port <= 65_535; port += 1) {
    if (!avoid.includes(port) && (await probePort(port, host)) === 'free') return port;
  }
  return undefined;
}

/**
 * Chooses the port to listen on: the requested one or, unless it is explicit, the next free one.
 * @param {{ variable: string, port: number, host: string, isExplicit: boolean, avoid?: number[] }} request
 *   `variable` is the name of the setting, such as `PORT`
 * @returns {Promise<{ port: number, note?: string }>}
 * @throws {CommandError} with the port and a remedy
 */
export async function choosePort({ variable, port, host, isExplicit, avoid = [] }) {
  const state = await probePort(port, host);
  if (state === 'free') return { port };
  if (state === 'no-address') {
    throw new CommandError(
      `HOST is ${host}, but this machine has no such address. Set HOST to one it has, such as 127.0.0.1.`,
    );
  }
  const free = await findFreePort(port + 1, host, avoid);
  const advice =
    free === undefined ? `set ${variable} to a free port` : `choose another, such as ${variable}=${free}`;
  if (state === 'denied') {
    throw new CommandError(`This user may not listen on port ${port} (${variable}): ${advice}.`);
  }
  if (isExplicit || free === undefined) {
    throw new CommandError(
      `Port ${port} (${variable}) is already in use: stop what listens there, or ${advice}.`,
    );
  }
  return {
    port: free,
    note: `Port ${port} is already in use, so this uses ${free} instead. Set ${variable} to choose one.`,
  };
}
