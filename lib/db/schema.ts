/** The tables, as Kysely sees them. Times are epoch ms; JSON is text, so that both databases read it alike. */
export type Database = {
  sessions: SessionsTable;
  operations: OperationsTable;
  operation_items: OperationItemsTable;
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
};
