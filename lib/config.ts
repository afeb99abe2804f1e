import 'server-only';
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { z } from 'zod';
import { describeValue, VARIABLES, type Variable } from './config-variables';
import { type DeclaredConnection, LOCAL_NAME, readDeclared } from './declared-connections';
import { type DeclaredProvider, readProviders } from './declared-providers';
import { isWildcard } from './http/host';

/** The configuration, read once from the environment. See docs/configuration.md. */
export type Config = {
  port: number;
  host: string;
  /** Absolute. Holds the database, the secrets and the local engine's sandboxes. */
  dataDir: string;
  enginePort: number;
  signIn: SignInRules;
  sessions: SessionRules;
  /** The origin that people use if it is not `http://HOST:PORT`, as behind a proxy. */
  publicOrigin: string | undefined;
  /** `postgres://…`, or a file for the embedded database. */
  databaseUrl: string;
  /** Those of the environment and of the file that it names, and the local engine if it runs. */
  connections: DeclaredConnection[];
  /** Where the secret comes from that seals the keys of connections. */
  secretKey: { key: string | undefined; file: string | undefined };
  oidc: OidcRules;
  operations: OperationRules;
  archives: ArchiveRules;
  /** Where entries of the audit log also go, as lines of JSON. */
  auditLog: 'stdout' | null;
  console: ConsoleRules;
  timing: Timing;
  http: HttpRules;
  /** This much space of the data directory is kept for sign-ins, kills and the record. */
  diskReserveBytes: number;
};

/** The ways to sign in that need no other service. */
export type SignInRules = {
  /** Whether each start prints a link, and the sign-in page accepts its code. */
  hasLink: boolean;
  /** A permanent token for automation, accepted in place of a code. */
  token: string | undefined;
};
/** Sign-in by OpenID Connect. */
export type OidcRules = {
  providers: DeclaredProvider[];
  /** A session and its groups are valid for this long after the provider last confirmed them. */
  checkMs: number;
  /** How much the clocks of the provider and of this server may differ. */
  clockToleranceSeconds: number;
  /** The variables of the two that are set. */
  set: OidcVariable[];
};
const OIDC_VARIABLES = ['SANDKEEPER_OIDC_CHECK_SECONDS', 'SANDKEEPER_OIDC_CLOCK_SECONDS'] as const;
type OidcVariable = (typeof OIDC_VARIABLES)[number];

/** How long people stay signed in, ms. */
export type SessionRules = {
  /** Without a request. */
  idleMs: number;
  /** In all. */
  maxMs: number;
};

/** Limits of the HTTP server. */
export type HttpRules = {
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. */
  trustedProxies: string[];
  connections: { total: number; perAddress: number };
  /** How long the head of a request may take. */
  headerTimeoutMs: number;
  /** How long the body of a request may take, and how long an upload may make no progress. */
  bodyTimeoutMs: number;
};

/** Where the files of a sandbox are archived before a kill. */
export type ArchiveRules = {
  /** Absolute. `null` when none is configured: archiving is unavailable. */
  dir: string | null;
  /** The largest total size of the files in one archive, uncompressed. */
  limitBytes: number;
};

/** Intervals, ms. */
export type Timing = {
  /** Shortest pause between two readings of the fleet. */
  readPauseMs: number;
  /** How long changes of the fleet are collected before they are published. */
  publishMs: number;
  /** How long a woken sandbox stays awake after its last viewer left. */
  wakeGraceMs: number;
  /** The deadline of a short call to the service or a sandbox. Longer ones have a multiple of it. */
  callMs: number;
  /** First wait before a failed step is tried again. It doubles with each attempt. */
  retryMs: number;
  /** How long a process that no longer answers keeps the items it has claimed. */
  claimMs: number;
};

/** Limits of consoles. */
export type ConsoleRules = {
  perSandbox: number;
  perPerson: number;
  total: number;
  /** A console without input and output for this long is closed. */
  idleMs: number;
  /** The longest lifetime of a console. */
  maxMs: number;
};

/** Limits of operations. */
export type OperationRules = {
  /** Sandboxes with this metadata key set to `true` are excluded from bulk operations. */
  protectedKey: string;
  /** How long a kill can be cancelled before its first request. */
  cancelWindowMs: number;
  /** The largest number of sandboxes in one operation. */
  bulkLimit: number;
  /** The largest number of requests at a time. */
  maxConcurrency: number;
  /** Finished operations are deleted after this time; `null`: never. */
  keepMs: number | null;
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MB = 2 ** 20;
const GB = 2 ** 30;
const LOOPBACK_RANGES = ['127.0.0.0/8', '::1'];

/** Secrets that may also stand in a file, which `NAME_FILE` names. */
const SECRET_FILES = ['SANDKEEPER_SIGN_IN_TOKEN'] as const;

type Environment = Record<string, string | undefined>;

/** Reads the configuration from `environment`. Returns it, or one sentence for each problem. */
export function readConfig(
  given: Environment,
): { ok: true; config: Config } | { ok: false; problems: string[] } {
  const problems: string[] = [];
  const environment = withFiles(given, problems);
  const read = <N extends Variable>(name: N): z.infer<(typeof VARIABLES)[N]['schema']> | undefined => {
    const text = environment[name]?.trim();
    if (!text) return undefined;
    const parsed = VARIABLES[name].schema.safeParse(text);
    if (parsed.success) return parsed.data as z.infer<(typeof VARIABLES)[N]['schema']>;
    problems.push(`${name} is ${describeValue(name, text)}: expected ${VARIABLES[name].expected}.`);
    return undefined;
  };

  const host = read('HOST') ?? '127.0.0.1';
  const publicUrl = read('SANDKEEPER_URL');
  if (isWildcard(host) && !environment.SANDKEEPER_URL?.trim()) {
    problems.push(
      `HOST is "${host}", which listens on every interface: also set SANDKEEPER_URL to the origin people will use, such as https://sandkeeper.example.com.`,
    );
  }
  const dataDir = absolute(read('SANDKEEPER_DATA_DIR') ?? '.sandkeeper');
  const enginePort = read('SANDKEEPER_ENGINE_PORT') ?? 3100;
  const archiveDir = read('SANDKEEPER_ARCHIVE_DIR') ?? read('SANDKEEPER_EXPORT_DIR');
  const archiveLimitGb = read('SANDKEEPER_ARCHIVE_LIMIT_GB') ?? read('SANDKEEPER_EXPORT_LIMIT_GB') ?? 10;
  const connections = readConnections(environment, read, problems);
  const { providers, problems: providerProblems } = readProviders(environment);
  problems.push(...providerProblems);
  const usesEngine = (read('SANDKEEPER_LOCAL_ENGINE') ?? (connections.length === 0 ? 'on' : 'off')) === 'on';
  const config: Config = {
    port: read('PORT') ?? 3000,
    host,
    dataDir,
    enginePort,
    signIn: {
      hasLink: (read('SANDKEEPER_SIGN_IN_LINK') ?? 'on') === 'on',
      token: read('SANDKEEPER_SIGN_IN_TOKEN'),
    },
    sessions: {
      idleMs: read('SANDKEEPER_SESSION_IDLE') ?? 12 * HOUR_MS,
      maxMs: read('SANDKEEPER_SESSION_MAX') ?? 7 * DAY_MS,
    },
    publicOrigin: publicUrl === undefined ? undefined : new URL(publicUrl).origin,
    databaseUrl: read('DATABASE_URL') ?? `file:${resolve(dataDir, 'sandkeeper.db')}`,
    connections: usesEngine ? [...connections, readEngine(read, enginePort)] : connections,
    secretKey: { key: read('SANDKEEPER_SECRET_KEY'), file: read('SANDKEEPER_SECRET_KEY_FILE') },
    oidc: {
      providers,
      checkMs: (read('SANDKEEPER_OIDC_CHECK_SECONDS') ?? 3_600) * 1_000,
      clockToleranceSeconds: read('SANDKEEPER_OIDC_CLOCK_SECONDS') ?? 60,
      set: OIDC_VARIABLES.filter((name) => environment[name]?.trim()),
    },
    operations: {
      protectedKey: read('SANDKEEPER_PROTECTED_KEY') ?? 'protected',
      cancelWindowMs: (read('SANDKEEPER_CANCEL_WINDOW_SECONDS') ?? 5) * 1_000,
      bulkLimit: read('SANDKEEPER_BULK_LIMIT') ?? 5_000,
      maxConcurrency: read('SANDKEEPER_MAX_CONCURRENCY') ?? 32,
      keepMs: (read('SANDKEEPER_KEEP_OPERATIONS_DAYS') ?? 0) * DAY_MS || null,
    },
    auditLog: read('SANDKEEPER_AUDIT_LOG') === 'stdout' ? 'stdout' : null,
    archives: {
      dir: archiveDir === undefined ? null : absolute(archiveDir),
      limitBytes: archiveLimitGb * GB,
    },
    console: {
      perSandbox: read('SANDKEEPER_CONSOLES_PER_SANDBOX') ?? 8,
      perPerson: read('SANDKEEPER_CONSOLES_PER_PERSON') ?? 16,
      total: read('SANDKEEPER_CONSOLES') ?? 64,
      idleMs: (read('SANDKEEPER_CONSOLE_IDLE_MINUTES') ?? 30) * MINUTE_MS,
      maxMs: (read('SANDKEEPER_CONSOLE_MAX_HOURS') ?? 12) * HOUR_MS,
    },
    timing: {
      readPauseMs: read('SANDKEEPER_READ_PAUSE_MS') ?? 1_000,
      publishMs: read('SANDKEEPER_PUBLISH_MS') ?? 250,
      wakeGraceMs: read('SANDKEEPER_WAKE_GRACE_MS') ?? 15_000,
      callMs: read('SANDKEEPER_CALL_MS') ?? 15_000,
      retryMs: read('SANDKEEPER_RETRY_MS') ?? 200,
      claimMs: read('SANDKEEPER_CLAIM_MS') ?? 15_000,
    },
    http: {
      // A public origin means that a proxy is in front, usually on the same machine.
      trustedProxies: read('SANDKEEPER_TRUSTED_PROXIES') ?? (publicUrl === undefined ? [] : LOOPBACK_RANGES),
      connections: {
        total: read('SANDKEEPER_HTTP_CONNECTIONS') ?? 2_000,
        perAddress: read('SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS') ?? 200,
      },
      headerTimeoutMs: read('SANDKEEPER_HEADER_TIMEOUT_MS') ?? 10_000,
      bodyTimeoutMs: read('SANDKEEPER_BODY_TIMEOUT_MS') ?? 30_000,
    },
    diskReserveBytes: (read('SANDKEEPER_DISK_RESERVE_MB') ?? 32) * MB,
  };
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config };
}

/** The environment with the secrets that stand in files. */
function withFiles(environment: Environment, problems: string[]): Environment {
  const found: Environment = {};
  for (const name of SECRET_FILES) {
    const path = environment[`${name}_FILE`]?.trim();
    if (!path) continue;
    if (environment[name]?.trim()) problems.push(`${name} and ${name}_FILE are both set: set one of them.`);
    try {
      found[name] = readFileSync(/* turbopackIgnore: true */ path, 'utf8').trim();
      if (found[name] === '') problems.push(`${name}_FILE names an empty file.`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      problems.push(`${name}_FILE names a file that cannot be read (${code ?? 'unknown error'}).`);
    }
  }
  return { ...environment, ...found };
}

/** The variables of each service. The first one makes the connection. */
const SERVICE_VARIABLES = [
  ['MORU_API_KEY', 'MORU_API_URL', 'MORU_DOMAIN', 'MORU_SANDBOX_URL'],
  ['E2B_API_KEY', 'E2B_API_URL', 'E2B_DOMAIN', 'E2B_SANDBOX_URL', 'E2B_TEAM_ID'],
] as const;

function readConnections(
  environment: Environment,
  read: (name: (typeof SERVICE_VARIABLES)[number][number] | 'SANDKEEPER_CONNECTIONS') => string | undefined,
  problems: string[],
): DeclaredConnection[] {
  const before = problems.length;
  read('SANDKEEPER_CONNECTIONS');
  for (const [keyName, ...others] of SERVICE_VARIABLES) {
    const key = read(keyName);
    for (const name of others) {
      // Also reports a wrong value.
      if (read(name) !== undefined && key === undefined && !environment[keyName]?.trim())
        problems.push(`${name} is set but ${keyName} is not: set both to use that service, or neither.`);
    }
  }
  if (problems.length > before) return [];
  const declared = readDeclared(environment);
  problems.push(...declared.problems);
  return declared.connections;
}

function readEngine(read: (name: EngineName) => string | undefined, enginePort: number): DeclaredConnection {
  const url = read('SANDKEEPER_ENGINE_URL') ?? `http://127.0.0.1:${enginePort}`;
  return {
    name: LOCAL_NAME,
    title: 'Local engine',
    kind: 'local',
    apiUrl: url,
    key: read('SANDKEEPER_ENGINE_KEY') ?? '',
    domain: new URL(url).host,
    sandboxUrl: url,
    teamId: null,
    label: null,
    source: 'environment',
    keySetting: 'SANDKEEPER_ENGINE_KEY',
    addressSetting: 'SANDKEEPER_ENGINE_URL',
  };
}
type EngineName = 'SANDKEEPER_ENGINE_URL' | 'SANDKEEPER_ENGINE_KEY';

function absolute(path: string): string {
  return isAbsolute(path) ? path : resolve(/* turbopackIgnore: true */ process.cwd(), path);
}

let current: Config | undefined;

/** The configuration of this process. Throws an error that lists every problem. */
export function config(): Config {
  if (current) return current;
  const read = readConfig(process.env);
  if (!read.ok) throw new Error(read.problems.join('\n'));
  current = read.config;
  return current;
}

/** Where the value of a setting comes from. `file`: from the file that the variable with the ending `_FILE` names. */
export type SettingSource = 'default' | 'environment' | 'file';

export function sourceOf(name: Variable, environment: Environment = process.env): SettingSource {
  if (environment[name]?.trim()) return 'environment';
  return environment[`${name}_FILE`]?.trim() ? 'file' : 'default';
}
