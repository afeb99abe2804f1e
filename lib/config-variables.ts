import 'server-only';
import { z } from 'zod';
import { isAddressRange } from './http/client-address';
import { bracketed } from './http/host';

const Port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((port) => port >= 1 && port <= 65_535);

function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((number) => number >= min && number <= max);
}

const UNIT_S = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time in seconds, minutes, hours or days, such as `12h`. The limits are in seconds, the result in ms. */
function duration(minS: number, maxS: number) {
  return z
    .string()
    .regex(/^\d{1,9}[smhd]$/)
    .transform((text) => Number(text.slice(0, -1)) * UNIT_S[text.slice(-1) as keyof typeof UNIT_S])
    .refine((seconds) => seconds >= minS && seconds <= maxS)
    .transform((seconds) => seconds * 1_000);
}

/** The variables. `expected` completes the message about a wrong value. */
export const VARIABLES = {
  PORT: { schema: Port, expected: 'a port number from 1 to 65535, such as 3000' },
  HOST: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9.:_-]+$/)
      .refine((host) => URL.canParse(`http://${bracketed(host)}`)),
    expected: 'an address or host name to listen on, such as 127.0.0.1',
  },
  SANDKEEPER_DATA_DIR: { schema: z.string().min(1), expected: 'a directory path' },
  SANDKEEPER_ENGINE_PORT: { schema: Port, expected: 'a port number from 1 to 65535, such as 3100' },
  SANDKEEPER_ENGINE_URL: { schema: httpUrl(), expected: 'the http address of a running local engine' },
  SANDKEEPER_ENGINE_KEY: { schema: z.string().min(1), expected: "the local engine's API key" },
  SANDKEEPER_SIGN_IN_TOKEN: {
    schema: z.string().regex(/^[\x21-\x7e]{16,512}$/),
    expected: '16 to 512 printable characters without spaces',
  },
  SANDKEEPER_SIGN_IN_TOKEN_FILE: { schema: z.string().min(1), expected: 'the path of a file with the token' },
  SANDKEEPER_SIGN_IN_LINK: { schema: z.enum(['on', 'off']), expected: '`on` or `off`' },
  SANDKEEPER_SESSION_IDLE: { schema: duration(5, 365 * 86_400), expected: 'a time such as 30m, 12h or 7d' },
  SANDKEEPER_SESSION_MAX: { schema: duration(5, 365 * 86_400), expected: 'a time such as 12h or 7d' },
  SANDKEEPER_URL: {
    schema: httpUrl().refine(isOrigin),
    expected: 'an origin such as https://sandkeeper.example.com, without a path',
  },
  MORU_API_KEY: { schema: z.string().regex(/^[\x21-\x7e]+$/), expected: 'an API key without spaces' },
  MORU_API_URL: { schema: httpUrl(), expected: 'an http or https address such as https://api.moru.io' },
  MORU_DOMAIN: {
    schema: z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/),
    expected: 'a domain such as moru.io',
  },
  MORU_SANDBOX_URL: { schema: httpUrl(), expected: 'an http or https address' },
  E2B_API_KEY: { schema: z.string().regex(/^[\x21-\x7e]+$/), expected: 'an API key without spaces' },
  E2B_API_URL: { schema: httpUrl(), expected: 'an http or https address such as https://api.e2b.app' },
  E2B_DOMAIN: {
    schema: z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/),
    expected: 'a domain such as e2b.app',
  },
  E2B_SANDBOX_URL: { schema: httpUrl(), expected: 'an http or https address' },
  E2B_TEAM_ID: { schema: z.string().regex(/^[\x21-\x7e]{1,100}$/), expected: 'a team ID without spaces' },
  SANDKEEPER_LOCAL_ENGINE: { schema: z.enum(['on', 'off']), expected: '`on` or `off`' },
  SANDKEEPER_SECRET_KEY: { schema: z.string().min(32), expected: 'at least 32 characters' },
  SANDKEEPER_SECRET_KEY_FILE: {
    schema: z.string().min(1),
    expected: 'the path of a file with the secret key',
  },
  SANDKEEPER_CONNECTIONS: { schema: z.string().min(1), expected: 'the path of a YAML or JSON file' },
  SANDKEEPER_OIDC_ISSUER: { schema: z.string().min(1), expected: 'the address of an OpenID Connect issuer' },
  SANDKEEPER_OIDC_CLIENT_ID: { schema: z.string().min(1), expected: 'the client ID at the provider' },
  SANDKEEPER_OIDC_CLIENT_SECRET: { schema: z.string().min(1), expected: 'the client secret' },
  SANDKEEPER_OIDC_CLIENT_SECRET_FILE: {
    schema: z.string().min(1),
    expected: 'the path of a file with the client secret',
  },
  SANDKEEPER_OIDC_NAME: { schema: z.string().min(1), expected: 'the name on the sign-in button' },
  SANDKEEPER_OIDC_SCOPES: { schema: z.string().min(1), expected: 'scopes, separated by spaces' },
  SANDKEEPER_OIDC_PARAMETERS: {
    schema: z.string().min(1),
    expected: 'parameters such as access_type=offline&prompt=consent',
  },
  SANDKEEPER_OIDC_GROUPS_CLAIM: {
    schema: z.string().min(1),
    expected: 'the name of a claim, such as groups',
  },
  SANDKEEPER_OIDC_GRANTS: {
    schema: z.string().min(1),
    expected: 'groups with roles, such as ops=operator; leads=admin',
  },
  SANDKEEPER_OIDC_FILE: { schema: z.string().min(1), expected: 'the path of a YAML or JSON file' },
  SANDKEEPER_OIDC_CHECK_SECONDS: { schema: wholeNumber(1, 3_600), expected: 'whole seconds from 1 to 3600' },
  SANDKEEPER_OIDC_CLOCK_SECONDS: { schema: wholeNumber(0, 600), expected: 'whole seconds from 0 to 600' },
  DATABASE_URL: {
    schema: z.string().regex(/^(postgres(ql)?:\/\/|file:)/),
    expected: 'postgres://user@host/database, or file:/path/to/sandkeeper.db',
  },
  SANDKEEPER_PROTECTED_KEY: {
    schema: z.string().min(1).max(256),
    expected: 'a metadata key, such as protected',
  },
  SANDKEEPER_CANCEL_WINDOW_SECONDS: { schema: wholeNumber(0, 300), expected: 'whole seconds from 0 to 300' },
  SANDKEEPER_BULK_LIMIT: { schema: wholeNumber(1, 20_000), expected: 'a whole number from 1 to 20000' },
  SANDKEEPER_MAX_CONCURRENCY: { schema: wholeNumber(1, 256), expected: 'a whole number from 1 to 256' },
  SANDKEEPER_CONSOLES_PER_SANDBOX: {
    schema: wholeNumber(1, 1_000),
    expected: 'a whole number from 1 to 1000',
  },
  SANDKEEPER_CONSOLES_PER_PERSON: {
    schema: wholeNumber(1, 1_000),
    expected: 'a whole number from 1 to 1000',
  },
  SANDKEEPER_CONSOLES: { schema: wholeNumber(1, 1_000), expected: 'a whole number from 1 to 1000' },
  SANDKEEPER_CONSOLE_IDLE_MINUTES: {
    schema: wholeNumber(1, 1_440),
    expected: 'whole minutes from 1 to 1440',
  },
  SANDKEEPER_CONSOLE_MAX_HOURS: { schema: wholeNumber(1, 168), expected: 'whole hours from 1 to 168' },
  SANDKEEPER_KEEP_OPERATIONS_DAYS: { schema: wholeNumber(0, 36_500), expected: 'whole days, or 0 for ever' },
  SANDKEEPER_AUDIT_LOG: { schema: z.enum(['stdout', 'off']), expected: '`stdout` or `off`' },
  SANDKEEPER_ARCHIVE_DIR: { schema: z.string().min(1), expected: 'a directory path' },
  SANDKEEPER_ARCHIVE_LIMIT_GB: {
    schema: wholeNumber(1, 100_000),
    expected: 'whole gigabytes from 1 to 100000',
  },
  SANDKEEPER_READ_PAUSE_MS: {
    schema: wholeNumber(10, 60_000),
    expected: 'whole milliseconds from 10 to 60000',
  },
  SANDKEEPER_PUBLISH_MS: { schema: wholeNumber(10, 10_000), expected: 'whole milliseconds from 10 to 10000' },
  SANDKEEPER_WAKE_GRACE_MS: {
    schema: wholeNumber(0, 600_000),
    expected: 'whole milliseconds from 0 to 600000',
  },
  SANDKEEPER_CALL_MS: {
    schema: wholeNumber(50, 300_000),
    expected: 'whole milliseconds from 50 to 300000',
  },
  SANDKEEPER_RETRY_MS: { schema: wholeNumber(1, 10_000), expected: 'whole milliseconds from 1 to 10000' },
  SANDKEEPER_CLAIM_MS: {
    schema: wholeNumber(3_000, 300_000),
    expected: 'whole milliseconds from 3000 to 300000',
  },
  SANDKEEPER_TRUSTED_PROXIES: {
    schema: z
      .string()
      .transform((text) => text.split(',').map((range) => range.trim()))
      .refine((ranges) => ranges.every(isAddressRange)),
    expected: 'IP addresses or CIDR ranges, separated by commas, such as 10.0.0.7,192.168.0.0/16',
  },
  SANDKEEPER_HTTP_CONNECTIONS: {
    schema: wholeNumber(10, 100_000),
    expected: 'a whole number from 10 to 100000',
  },
  SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS: {
    schema: wholeNumber(8, 100_000),
    expected: 'a whole number from 8 to 100000',
  },
  SANDKEEPER_HEADER_TIMEOUT_MS: {
    schema: wholeNumber(100, 120_000),
    expected: 'whole milliseconds from 100 to 120000',
  },
  SANDKEEPER_BODY_TIMEOUT_MS: {
    schema: wholeNumber(100, 600_000),
    expected: 'whole milliseconds from 100 to 600000',
  },
  SANDKEEPER_DISK_RESERVE_MB: {
    schema: wholeNumber(1, 100_000),
    expected: 'whole megabytes from 1 to 100000',
  },
  // The earlier names of these two.
  SANDKEEPER_EXPORT_DIR: { schema: z.string().min(1), expected: 'a directory path' },
  SANDKEEPER_EXPORT_LIMIT_GB: {
    schema: wholeNumber(1, 100_000),
    expected: 'whole gigabytes from 1 to 100000',
  },
} as const;
export type Variable = keyof typeof VARIABLES;

/** Every environment variable that configures Sandkeeper. */
export const SETTING_NAMES = Object.keys(VARIABLES) as Variable[];

function httpUrl() {
  return z.url({ protocol: /^https?$/ });
}

function isOrigin(url: string): boolean {
  // The text may not be a URL at all.
  return URL.canParse(url) && `${new URL(url).origin}/` === new URL(url).href;
}

const SECRET: ReadonlySet<Variable> = new Set<Variable>([
  'MORU_API_KEY',
  'E2B_API_KEY',
  'SANDKEEPER_SIGN_IN_TOKEN',
  'SANDKEEPER_ENGINE_KEY',
  'SANDKEEPER_SECRET_KEY',
  'SANDKEEPER_OIDC_CLIENT_SECRET',
  'DATABASE_URL',
]);

/** Quotes a wrong value, unless it may contain a secret. An address with `@` may contain a password. */
export function describeValue(name: Variable, text: string): string {
  return SECRET.has(name) || text.includes('@') ? 'not usable' : JSON.stringify(text);
}
