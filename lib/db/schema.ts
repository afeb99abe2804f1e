import type { SandboxKey } from '../sandbox-key';
/** The tables. Times are epoch ms. JSON is stored as text, so that both databases return the same. */
export type Database = {
  users: UsersTable;
  grants: GrantsTable;
  sessions: SessionsTable;
  access_changes: AccessChangesTable;
  sign_in_codes: SignInCodesTable;
  sign_in_failures: SignInFailuresTable;
  identities: IdentitiesTable;
  provider_sessions: ProviderSessionsTable;
  used_logout_tokens: UsedLogoutTokensTable;
  sign_in_tests: SignInTestsTable;
  operations: OperationsTable;
  operation_items: OperationItemsTable;
  operation_connections: OperationConnectionsTable;
  operation_plans: OperationPlansTable;
  operation_commands: OperationCommandsTable;
  access_log: AccessLogTable;
  audit_head: AuditHeadTable;
  upload_drafts: UploadDraftsTable;
  archive_programs: ArchiveProgramsTable;
  connection_tries: ConnectionTriesTable;
  wake_leases: WakeLeasesTable;
  first_starts: FirstStartsTable;
  saved_views: SavedViewsTable;
  start_views: StartViewsTable;
  connections: ConnectionsTable;
  wake_viewers: WakeViewersTable;
};

/** The people. Records keep their id and their name as it was. */
type UsersTable = {
  id: string;
  name: string;
  email: string | null;
  /** A URL. */
  picture: string | null;
  is_disabled: number;
  created_at_ms: number;
  last_seen_at_ms: number | null;
};

/** The roles of people. `connection` is a name, or `*` for all. */
type GrantsTable = {
  user_id: string;
  connection: string;
  role: string;
  /** The name of the person who gave it. */
  granted_by: string;
  granted_at_ms: number;
};

type SessionsTable = {
  id: string;
  user_id: string;
  /** How the person signed in. */
  method: string;
  /** Identifies the fixed sign-in token. Changing the token ends the sessions it opened. `null`: opened in another way. */
  token_fingerprint: string | null;
  created_at_ms: number;
  /** The end, however much it is used. */
  expires_at_ms: number;
  /** When its person signed out, or when somebody ended it. */
  revoked_at_ms: number | null;
  /** The name of the person who ended it. `null`: signed out, or not over. */
  ended_by: string | null;
  /** To the minute. */
  last_seen_at_ms: number;
  /** The client of the last use. */
  address: string | null;
  user_agent: string | null;
};

/** One row: how often sessions or grants have changed, so that each process notices. */
type AccessChangesTable = { id: number; changes: number };

/** The one-time codes of sign-in links, by their hash. */
type SignInCodesTable = {
  code_hash: string;
  /** Where it was printed. */
  source: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
};

/** Wrong attempts to sign in, by address and by account. */
type SignInFailuresTable = {
  limit_key: string;
  failures: number;
  last_at_ms: number;
};

/** The accounts of people at OpenID Connect providers. */
type IdentitiesTable = {
  issuer: string;
  /** The id of the account at the issuer, which never changes. */
  subject: string;
  user_id: string;
  /** JSON: the names of the groups that the last check found. */
  groups: string;
  checked_at_ms: number;
  created_at_ms: number;
};

/** What a session that was opened by a provider depends on. */
type ProviderSessionsTable = {
  session_id: string;
  /** The name of the provider in the configuration. */
  provider: string;
  issuer: string;
  subject: string;
  /** The id of the session at the provider, if it named one. */
  sid: string | null;
  /** JSON of the tokens, sealed like the keys of connections. `null` once the session has ended. */
  sealed_tokens: string | null;
  /** When the provider last confirmed the account. */
  checked_at_ms: number;
  /** When the next check is due. */
  check_at_ms: number;
  /** Until when a process has the check for itself. */
  claimed_until_ms: number;
  /** Why the last check failed, and since when checks fail. Both are `null` after a successful one. */
  problem: string | null;
  failing_since_ms: number | null;
  /** Why the session has ended, for its person. */
  ended: string | null;
};

/** Logout tokens that were received, so that none works twice. */
type UsedLogoutTokensTable = { id: string; until_ms: number };

/** Results of sign-in tests, until their page has been read. */
type SignInTestsTable = {
  id: string;
  user_id: string;
  /** JSON, sealed: it has the claims of an account. */
  sealed_result: string;
  at_ms: number;
};

type OperationsTable = {
  id: string;
  act: string;
  /** JSON: the parameters of the action, such as `timeoutMs`. */
  params: string;
  /** The person by id, and by name as it was. */
  actor_id: string;
  actor: string;
  /** The filter at the time, as text. */
  filter: string;
  state: string;
  created_at_ms: number;
  finished_at_ms: number | null;
  reason: string;
  starts_at_ms: number;
  cancelled_at_ms: number | null;
  cancelled_by: string | null;
  /** Why Sandkeeper cancelled it. `null`: a person did, or it was not cancelled. */
  cancel_reason: string | null;
  /** The session in which it was started. `null`: unknown. */
  session_id: string | null;
  retry_of: string | null;
};

/** The connections of the items of each operation. */
type OperationConnectionsTable = { operation_id: string; connection: string };

type ConnectionTriesTable = {
  connection: string;
  /** When a person last asked to send at once what the service asked to hold back. */
  tried_at_ms: number;
};

type OperationItemsTable = {
  operation_id: string;
  sandbox_key: SandboxKey;
  position: number;
  /** JSON: the sandbox when the operation was planned. */
  sandbox: string;
  outcome: string;
  message: string | null;
  updated_at_ms: number;
  took_ms: number | null;
  /** The process that works on it or did last; `null` if it was never claimed. */
  claimed_by: string | null;
  /** When the claim expires unless it is renewed, by the clock of the database. */
  claimed_until_ms: number;
  /** JSON: the archive of its files from before its kill. */
  saved: string | null;
};

/** Plans that can still be confirmed. */
type OperationPlansTable = {
  id: string;
  session_id: string;
  /** JSON: the action, its options, and the sandboxes as they were shown. */
  plan: string;
  expires_at_ms: number;
};

/** Commands sent to sandboxes. A row is inserted before the command is sent and updated once, when it ends. */
type OperationCommandsTable = {
  operation_id: string;
  sandbox_key: SandboxKey;
  started_at_ms: number;
  /** How it ended; `null` while it runs, and for ever if Sandkeeper stopped first. */
  ending: string | null;
  exit_code: number | null;
  signal: string | null;
  took_ms: number | null;
  /** JSON: the beginning and the end of the output. */
  stdout: string | null;
  stderr: string | null;
  /** JSON: the first lines of both. */
  excerpt: string | null;
  /** The shell, as numbered in its sandbox. */
  pid: number | null;
  /** Equal for commands with the same ending and the same output, byte by byte. */
  fingerprint: string | null;
};

/** The audit log of access to sandboxes and of changes of the settings. Rows are never changed, and deleted only after the configured retention. */
type AccessLogTable = {
  /** Orders rows with the same `at_ms`. */
  id: string;
  at_ms: number;
  /** The person by id, and by name as it was. Both are `null` for Sandkeeper itself. */
  actor_id: string | null;
  actor: string | null;
  kind: string;
  /** The connection of the sandbox, or the one that was changed. */
  connection: string | null;
  sandbox_key: SandboxKey | null;
  path: string | null;
  detail: string | null;
  /** The operation that this belongs to. */
  request: string | null;
  /** Of the request: the client, the session, and the id that its answer carries. */
  address: string | null;
  user_agent: string | null;
  session_id: string | null;
  request_id: string | null;
  /** The place in the chain of `lib/access/audit-chain.ts`. `null` for entries of versions without it. */
  seq: number | null;
  hash: string | null;
};

/** One row: the end of the chain of the audit log, and where it begins since old entries were deleted. */
type AuditHeadTable = { seq: number; hash: string; first_seq: number; before_hash: string };

/** Filters saved under a name. */
type SavedViewsTable = {
  id: string;
  name: string;
  /** The query of the fleet's URL, without the `?`. */
  query: string;
  /** 1 if everybody sees it, otherwise 0. */
  is_shared: number;
  /** The id of a person. */
  owner_id: string;
  created_at_ms: number;
};

/** The view that a person starts with. */
type StartViewsTable = { user_id: string; view_id: string };

/** The connections that were added in Sandkeeper. A removed one keeps its row, so that its name is never reused. */
type ConnectionsTable = {
  name: string;
  /** JSON: `ConnectionFields`. */
  fields: string;
  /** The API key, encrypted. Empty once the connection is removed. */
  sealed_key: string;
  /** The fingerprint of the secret that sealed the key. */
  sealed_under: string;
  /** The last characters of the key, by which people recognise it. */
  key_tail: string | null;
  is_disabled: number;
  created_at_ms: number;
  created_by: string;
  removed_at_ms: number | null;
  /** Counts the changes, from 1. A change names the version that it is based on. */
  version: number;
  /** JSON: the last `ConnectionChange`s, oldest first. */
  changes: string;
};

/** When sandboxes first started, as far as Sandkeeper has seen. */
type FirstStartsTable = {
  sandbox_key: SandboxKey;
  first_started_at_ms: number;
  /** When a complete reading did not find it any more. */
  gone_at_ms: number | null;
};

/** The unfinished files of uploads in sandboxes. */
type UploadDraftsTable = {
  sandbox_key: SandboxKey;
  path: string;
  /** The file it was to become. */
  target: string;
  actor: string;
  /** The process that uploads it or removes it. */
  claimed_by: string;
  claimed_until_ms: number;
};

/** Programs that run in sandboxes for an archive. */
type ArchiveProgramsTable = {
  sandbox_key: SandboxKey;
  /** The label of its process in the sandbox. */
  tag: string;
  /** The process that reads it or ends it. */
  claimed_by: string;
  claimed_until_ms: number;
};

/** Wakes of paused sandboxes, one row per sandbox. A wake that has ended stays for a while. */
type WakeLeasesTable = {
  sandbox_key: SandboxKey;
  /** Identifies this wake. The next one of the same sandbox has another id. */
  id: string;
  state: string;
  actor_id: string;
  actor: string;
  begun_at_ms: number;
  /** The timeout in the request that woke the sandbox. */
  timeout_ms: number;
  /** 1 if its timeout is known to pause it, otherwise 0. */
  is_guarded: number;
  /** When the lifetime that we started began; 0 while that is unknown. */
  run_started_at_ms: number;
  ends_at_ms: number;
  /** JSON: how it is ending or has ended. */
  ending: string | null;
  /** What prevents the next step, as a message for people. */
  problem: string | null;
  /** The process that makes sure that it ends in a pause. */
  claimed_by: string;
  /** When the lease expires unless it is renewed, by the clock of the database. */
  claimed_until_ms: number;
};

/** Viewers of woken sandboxes. Each process publishes its own. */
type WakeViewersTable = {
  sandbox_key: SandboxKey;
  process: string;
  /** JSON: sessions and names. */
  viewers: string;
  /** When the row expires unless it is renewed, by the clock of the database. */
  until_ms: number;
};
