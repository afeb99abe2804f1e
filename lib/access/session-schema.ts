import type { SignInMethod } from './sessions';

/** An open session, as its person and admins see it. */
export type ListedSession = {
  ref: string;
  method: SignInMethod;
  createdAtMs: number;
  /** To the minute. */
  lastSeenAtMs: number;
  /** When it runs out if it is not used. */
  expiresAtMs: number;
  address: string | null;
  /** Untrusted text. */
  userAgent: string | null;
  isCurrent: boolean;
};
