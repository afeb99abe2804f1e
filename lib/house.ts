import 'server-only';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isOwnHost, isOwnOrigin } from './access/origin';
import { signInToken } from './access/secrets';
import { findSession, onRevocation, sessionCookieName } from './access/sessions';
import { config, hostInUrl } from './config';
import { database } from './db/client';
import { fleetWatcher } from './fleet/watcher';
import { type Admission, hub } from './live/hub';
import { operationRunner } from './operations/runner';
import { outsideRequests } from './outside';

/** What `server.mjs`, which lives outside Next.js' module graph, needs from inside it. */
type House = {
  upgradeLive: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  describe: () => Promise<{ url: string; signInUrl: string; dataDir: string; upstream: string }>;
  close: () => Promise<void>;
};

/** Where `server.mjs` waits for the house. */
type Door = { resolve: (house: House) => void; reject: (error: unknown) => void };

/** Opens the database, connects the channels to their sources, takes up interrupted operations. */
export async function openHouse(): Promise<void> {
  const door = (globalThis as { [key: symbol]: Door | undefined })[Symbol.for('sandkeeper.door')];
  try {
    outsideRequests(() => {});
    await database();
    hub().provide('fleet', (send) => fleetWatcher().listen(send));
    hub().provide('operations', (send) => operationRunner().listen(send));
    onRevocation(() => hub().recheckSessions());
    await operationRunner().resumeInterrupted();
    door?.resolve({ upgradeLive, describe, close });
  } catch (error) {
    door?.reject(error);
  }
}

function upgradeLive(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  void hub().upgrade(req, socket, head, admitSocket);
}

/** A socket may be opened by a page of ours for somebody who is signed in; both are checked again while it is open. */
async function admitSocket(req: IncomingMessage): Promise<Admission> {
  const { host, origin, cookie } = req.headers;
  if (!isOwnHost(config(), host) || !isOwnOrigin(config(), origin)) {
    return { ok: false, status: 403, message: 'This socket was not opened by a page of Sandkeeper.' };
  }
  const value = readCookie(cookie, sessionCookieName());
  const session = await findSession(value);
  if (!session) return { ok: false, status: 401, message: 'Sign in first.' };
  return { ok: true, sessionStillValid: async () => (await findSession(value)) !== null };
}

function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}

async function describe() {
  const { host, port, publicOrigin, dataDir, upstream } = config();
  const shownHost = host === '127.0.0.1' || host === '::1' ? 'localhost' : hostInUrl(host);
  const url = publicOrigin ?? `http://${shownHost}:${port}`;
  return {
    url,
    signInUrl: `${url}/sign-in?token=${encodeURIComponent(signInToken())}`,
    dataDir,
    upstream: upstream.apiUrl,
  };
}

async function close(): Promise<void> {
  hub().close();
  operationRunner().close();
  await fleetWatcher().close();
  await (await database()).destroy();
}
