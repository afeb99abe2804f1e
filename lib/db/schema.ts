/** The tables, as Kysely sees them. Times are epoch ms; JSON is text, so that both databases read it alike. */
export type Database = {
  sessions: SessionsTable;
  operations: OperationsTable;
  operation_items: OperationItemsTable;
  operation_plans: OperationPlansTable;
  operation_commands: OperationCommandsTable;
  access_log: AccessLogTable;
  wake_leases: WakeLeasesTable;
  wake_viewers: WakeViewersTable;
};

type SessionsTable = {
  id: string;
  role: string;
  actor: string;
  /** Which sign-in token opened it: changing the token ends its sessions. */
  token_fingerprint: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked_at_ms: number | null;
};

type OperationsTable = {
  id: string;
  act: string;
  /** JSON: what the act needs beyond ids, such as `timeoutMs`. */
  params: string;
  actor: string;
  /** The filter that was on screen, as text. */
  filter: string;
  state: string;
  created_at_ms: number;
  finished_at_ms: number | null;
  reason: string;
  starts_at_ms: number;
  cancelled_at_ms: number | null;
  cancelled_by: string | null;
  retry_of: string | null;
};

type OperationItemsTable = {
  operation_id: string;
  sandbox_id: string;
  position: number;
  /** JSON: the sandbox as it was when the operation was planned. */
  sandbox: string;
  outcome: string;
  message: string | null;
  updated_at_ms: number;
  took_ms: number | null;
  /** Which process works on it, or did last; `null` when none ever has. */
  claimed_by: string | null;
  /** When that claim ends unless it is renewed, epoch ms. */
  claimed_until_ms: number;
  /** JSON: the archive of its files, where they were saved before its kill. */
  saved: string | null;
};

/** Plans that were shown and may still be started. */
type OperationPlansTable = {
  id: string;
  session_id: string;
  /** JSON: the act, its options, the sandboxes as they were shown. */
  plan: string;
  expires_at_ms: number;
};

/** Commands that were sent to sandboxes, one row for each, written before it was sent and once more when it had ended. */
type OperationCommandsTable = {
  operation_id: string;
  sandbox_id: string;
  started_at_ms: number;
  /** How it ended; `null` while it runs, and for good where Sandkeeper ended before it. */
  ending: string | null;
  exit_code: number | null;
  signal: string | null;
  took_ms: number | null;
  /** JSON: the beginning and the end of what it wrote. */
  stdout: string | null;
  stderr: string | null;
  /** JSON: the first lines of both. */
  excerpt: string | null;
  /** The same for all that ended alike and wrote the same, byte by byte. */
  fingerprint: string | null;
};

/** Who read what in a sandbox. Rows are added and, where a retention is configured, forgotten; never changed. */
type AccessLogTable = {
  /** Rises with time among those of one `at_ms`. */
  id: string;
  at_ms: number;
  /** `null`: Sandkeeper by itself. */
  actor: string | null;
  kind: string;
  sandbox_id: string;
  path: string | null;
  detail: string | null;
};

/** Paused sandboxes that are awake for review, one row each, and for a while how the last review of each ended. */
type WakeLeasesTable = {
  sandbox_id: string;
  /** Of this review: another one has another. */
  id: string;
  state: string;
  /** Who woke it. */
  actor: string;
  begun_at_ms: number;
  /** What the service was asked for when it was woken. */
  timeout_ms: number;
  /** 1: its time-out pauses it; 0: nobody knows what its time-out does. */
  is_guarded: number;
  /** Which run of the sandbox is ours; 0 while that is not known. */
  run_started_at_ms: number;
  ends_at_ms: number;
  /** JSON: how it is ending or has ended. */
  ending: string | null;
  /** What keeps it from ending, for people. */
  problem: string | null;
  /** Which process sees to it that it ends in a pause. */
  claimed_by: string;
  claimed_until_ms: number;
};

/** Who looks at a sandbox under review, as each process says for itself. */
type WakeViewersTable = {
  sandbox_id: string;
  process: string;
  /** JSON: sessions and names. */
  viewers: string;
  /** Counts until then unless it is said again. */
  until_ms: number;
};
