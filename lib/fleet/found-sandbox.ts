import type { ConnectionName, SandboxKey } from '../sandbox-key';

/** A sandbox with a requested id. `unread`: it was there, and its connection cannot be read now. */
export type FoundSandbox = { key: SandboxKey; kind: 'listed' | 'ended' | 'unread' };

/** The sandboxes with an id, and the connections that could not be asked for it. */
export type IdSearch = { found: FoundSandbox[]; unasked: ConnectionName[] };
