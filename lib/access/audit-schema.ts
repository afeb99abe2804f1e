import type { ConnectionName, SandboxKey } from '../sandbox-key';

/** The kinds of access that are recorded. Stored in the database. */
export const ACCESS_KINDS = [
  'signed-in',
  'sign-in-refused',
  'signed-out',
  'session-ended',
  'person-renamed',
  'file-opened',
  'file-downloaded',
  'archive-downloaded',
  'archive-failed',
  'file-uploaded',
  'upload-cleared',
  'file-edited',
  'folder-created',
  'file-renamed',
  'file-deleted',
  'searched',
  'exported',
  'review-woken',
  'review-joined',
  'review-left',
  'review-extended',
  'review-paused',
  'review-ended',
  'console-opened',
  'console-watched',
  'console-taken-over',
  'console-closed',
  'processes-read',
  'process-attached',
  'process-signalled',
  'connection-tested',
  'connection-added',
  'connection-edited',
  'connection-key-replaced',
  'connection-disabled',
  'connection-enabled',
  'connection-removed',
] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

export type AccessEntry = {
  id: string;
  atMs: number;
  /** The person by id, and by name as it was. Both are `null` if Sandkeeper acted on its own, for example at the end of a wake lease. */
  actorId: string | null;
  actor: string | null;
  kind: AccessKind;
  /** The connection of the sandbox, or the one that was changed. */
  connection: ConnectionName | null;
  /** `null` for a change of the settings. */
  sandboxKey: SandboxKey | null;
  /** The path in the sandbox. Untrusted text. */
  path: string | null;
  /** Free text, such as an amount, a purpose or a reason. */
  detail: string | null;
  /** The id of the operation that this belongs to. */
  request: string | null;
  /** The request: the address of the client, its browser, the session, and the id in its answer. `null` outside of one. */
  address: string | null;
  userAgent: string | null;
  sessionId: string | null;
  requestId: string | null;
};

/** What one operation did, or one access of its own. */
export type AccessGroup = {
  /** The id of the newest entry. */
  id: string;
  atMs: number;
  actor: string | null;
  request: string | null;
  kinds: { kind: AccessKind; count: number }[];
  sandboxCount: number;
  /** Newest first, at most `MAX_SHOWN_ENTRIES`. */
  entries: AccessEntry[];
  entryCount: number;
};

export const MAX_SHOWN_ENTRIES = 60;

/** Parses a kind from the database or the URL. `null` if this version does not know it. */
export function parseAccessKind(text: string | null): AccessKind | null {
  return ACCESS_KINDS.find((kind) => kind === text) ?? null;
}
