import { z } from 'zod';

/** Not stricter, because services use different alphabets. See docs/protocol.md#sandbox-ids. */
export const SANDBOX_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Identifies a sandbox among all connections: `CONNECTION/ID`, such as `prod/i4x9kq2m`. Ids are unique within one
 * connection only. A key stands in records, frames and maps; people see the id.
 */
export type SandboxKey = `${string}/${string}`;

/** The name of a connection, which stands in URLs and records and never changes. */
export const ConnectionName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
    'Use 1 to 32 lower-case letters, digits and hyphens, such as prod-eu.',
  );
export type ConnectionName = z.infer<typeof ConnectionName>;

/** Parses text as a key. */
export const SandboxKey = z.custom<SandboxKey>(
  (text) => typeof text === 'string' && isKey(text),
  'A sandbox is named by its connection and its ID, such as prod/i4x9kq2m.',
);

function isKey(text: string): boolean {
  const at = text.indexOf('/');
  return (
    at > 0 &&
    ConnectionName.safeParse(text.slice(0, at)).success &&
    SANDBOX_ID_PATTERN.test(text.slice(at + 1))
  );
}

export function keyOf(connection: ConnectionName, id: string): SandboxKey {
  return `${connection}/${id}`;
}

/** The name of the connection that the sandbox is in. */
export function connectionOf(key: SandboxKey): ConnectionName {
  return key.slice(0, key.indexOf('/'));
}

/** The id by which the service knows the sandbox. */
export function idOf(key: SandboxKey): string {
  return key.slice(key.indexOf('/') + 1);
}

/** Whether `text`, a key or an id, names the sandbox. */
export function namesSandbox(text: string, key: SandboxKey): boolean {
  return text === key || text === idOf(key);
}
