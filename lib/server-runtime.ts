import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { followChanges, onRevocation } from './access/access-changes';
import { recheckHeldWork } from './access/held-work';
import { membershipChecks } from './access/oidc/membership-checks';
import { isOwnHost, isOwnOrigin, ownUrl } from './access/origin';
import { sessionCookieOf } from './access/request-guard';
import { forgetServer, noteServer } from './access/server-note';
import { hasTwoSessions, TWO_SESSIONS } from './access/session-cookie';
import { findSession, noteSocketUse } from './access/sessions';
import { issueCode, linkWith } from './access/sign-in-codes';
import { liveSessionOf, provideChannels } from './channels';
import { config } from './config';
import { connections, shownConnections } from './connections/registry';
import { consoleSessions } from './console/sessions';
import { database } from './db/client';
import { archivePrograms } from './files/transfer/archive/programs';
import { draftKeeper } from './files/transfer/drafts';
import { serveFiles } from './files/transfer/serve';
import { closeFleetWatchers, startFleetWatchers } from './fleet/watchers';
import { grantsFingerprint } from './grants';
import { type Admission, hub } from './live/hub';
import { sweepAbandonedParts } from './operations/archive/archive-place';
import { operationRunner } from './operations/work/runner';
import { outsideRequests } from './request-context';
import { noteSession } from './request-facts';
import { engineState } from './sandbox-api/engine-state';
import { wakeKeeper } from './wake/wake-keeper';

/** The interface to `server.mjs`, which is outside the module graph of Next.js. */
type ServerRuntime = {
  upgradeLive: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Handles a file transfer. Returns false for any other request. */
  serveFiles: (req: IncomingMessage, res: ServerResponse) => boolean;
  describe: () => Promise<Description>;
  close: () => Promise<void>;
};

/** `signInUrl`: with a new code that works once; `null` where links are switched off. */
type Description = { url: string; signInUrl: string | null; dataDir: string; upstream: string };

/** The promise of the runtime on which `server.mjs` waits. */
type Waiting = { resolve: (runtime: ServerRuntime) => void; reject: (error: unknown) => void };

let stopFollowing = async () => {};

/** Opens the database, connects the channels to their sources and continues interrupted operations. */
export async function openServerRuntime(): Promise<void> {
  const waiting = (globalThis as { [key: symbol]: Waiting | undefined })[
    Symbol.for('sandkeeper.server-runtime')
  ];
  try {
    outsideRequests(() => {});
    engineState();
    await database();
    await connections().open();
    provideChannels();
    onRevocation(() => {
      hub().recheckSessions();
      void consoleSessions().recheckOwners();
      void recheckHeldWork();
      operationRunner()
        .recheckAuthority()
        .catch((error) => console.error('Whether operations may go on could not be checked:', error));
    });
    membershipChecks().open();
    stopFollowing = followChanges();
    await operationRunner().open();
    await wakeKeeper().open();
    startFleetWatchers();
    await draftKeeper().open();
    await archivePrograms().open();
    const { dir } = config().archives;
    // A failure is no reason not to start.
    if (dir !== null) void sweepAbandonedParts(dir).catch(() => {});
    waiting?.resolve({ upgradeLive, serveFiles, describe, close });
  } catch (error) {
    waiting?.reject(error);
  }
}

function upgradeLive(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  void hub().upgrade(req, socket, head, admitSocket);
}

/** Admits sockets from our own pages with a session. The session is checked again while the socket is open. */
async function admitSocket(req: IncomingMessage): Promise<Admission> {
  const { host, origin } = req.headers;
  if (!isOwnHost(config(), host) || !isOwnOrigin(config(), origin)) {
    return { ok: false, status: 403, message: 'This socket was not opened by a page of Sandkeeper.' };
  }
  if (hasTwoSessions(config(), req.headers.cookie)) return { ok: false, status: 403, message: TWO_SESSIONS };
  const value = sessionCookieOf(req);
  const session = await findSession(value);
  if (!session) return { ok: false, status: 401, message: 'Sign in first.' };
  noteSession(session);
  const { actor, grants } = session;
  const held = grantsFingerprint(grants);
  return {
    ok: true,
    session: liveSessionOf(session),
    noteUse: () => noteSocketUse(session.id),
    // What the socket may receive follows from these grants, and others see it under this name.
    sessionStillValid: async () => {
      const now = await findSession(value);
      return now !== null && now.actor === actor && grantsFingerprint(now.grants) === held;
    },
  };
}

/** Call it once, when the server listens. */
async function describe(): Promise<Description> {
  const { dataDir, signIn } = config();
  const url = ownUrl(config());
  noteServer(url);
  return {
    url,
    signInUrl: signIn.hasLink ? linkWith(await issueCode('start'), url) : null,
    dataDir,
    upstream: shownConnections()
      .map(({ name, host }) => `${name} (${host})`)
      .join(', '),
  };
}

async function close(): Promise<void> {
  // Before the hub, so that viewers of a console get its end.
  await consoleSessions().closeAll();
  hub().close();
  await membershipChecks().close();
  await stopFollowing();
  await operationRunner().close();
  await wakeKeeper().close();
  await draftKeeper().close();
  await archivePrograms().close();
  await closeFleetWatchers();
  connections().close();
  forgetServer(ownUrl(config()));
  await (await database()).destroy();
}
