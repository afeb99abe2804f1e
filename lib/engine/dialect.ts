/**
 * The service whose words a caller expects. Moru and E2B share their routes and differ in details of a response. The prefix
 * of the API key tells them apart (docs/protocol.md#e2b-and-moru).
 */
export type Dialect = 'moru' | 'e2b';

const API_KEY = /^(moru|e2b)_(.*)$/s;

/** Splits an API key into its prefix and its secret. Null if the prefix is of neither service. */
export function parseApiKey(apiKey: string): { dialect: Dialect; secret: string } | null {
  const [, prefix, secret = ''] = API_KEY.exec(apiKey) ?? [];
  return prefix === 'moru' || prefix === 'e2b' ? { dialect: prefix, secret } : null;
}

/** The same key as clients of this service expect it. */
export function apiKeyFor(dialect: Dialect, apiKey: string): string {
  return `${dialect}_${parseApiKey(apiKey)?.secret ?? apiKey}`;
}
