import 'server-only';
import { version } from '../../package.json';
import { buildId } from '../build-id';
import { type Config, config, type SettingSource, sourceOf } from '../config';
import type { Variable } from '../config-variables';
import { EVERYWHERE, type Grants, mayIn } from '../grants';

/** A setting in force. `value` is for people, and never a secret. */
export type ShownSetting = { name: Variable; title: string; value: string; source: SettingSource };

/** What this Sandkeeper is. Details are for admins of everything, `null` for others. */
export type About = {
  version: string;
  build: string;
  limits: ShownSetting[];
  details: { database: string; runtime: string; settings: ShownSetting[] } | null;
};

const GB = 2 ** 30;
const MB = 2 ** 20;
const DAY_MS = 24 * 60 * 60_000;

type Row = readonly [name: Variable, title: string, value: (config: Config) => string];

/** What people meet at work. */
const LIMITS: readonly Row[] = [
  ['SANDKEEPER_BULK_LIMIT', 'Largest operation', ({ operations }) => `${operations.bulkLimit} sandboxes`],
  [
    'SANDKEEPER_CANCEL_WINDOW_SECONDS',
    'Cancel window',
    ({ operations }) => seconds(operations.cancelWindowMs),
  ],
  ['SANDKEEPER_PROTECTED_KEY', 'Protecting metadata key', ({ operations }) => operations.protectedKey],
  [
    'SANDKEEPER_KEEP_OPERATIONS_DAYS',
    'Retention of operations and access',
    ({ operations: { keepMs } }) => (keepMs === null ? 'forever' : `${keepMs / DAY_MS} days`),
  ],
  ['SANDKEEPER_CONSOLES_PER_PERSON', 'Consoles of one person', ({ console }) => String(console.perPerson)],
  ['SANDKEEPER_CONSOLES_PER_SANDBOX', 'Consoles in one sandbox', ({ console }) => String(console.perSandbox)],
  ['SANDKEEPER_CONSOLE_IDLE_MINUTES', 'Idle console closes after', ({ console }) => minutes(console.idleMs)],
  ['SANDKEEPER_CONSOLE_MAX_HOURS', 'Longest console', ({ console }) => minutes(console.maxMs)],
];

const SETTINGS: readonly Row[] = [
  ['SANDKEEPER_URL', 'Public address', ({ publicOrigin }) => publicOrigin ?? 'none'],
  ['HOST', 'Listens on', ({ host }) => host],
  ['PORT', 'Port', ({ port }) => String(port)],
  ['SANDKEEPER_DATA_DIR', 'Data directory', ({ dataDir }) => dataDir],
  ['DATABASE_URL', 'Database', databaseOf],
  [
    'SANDKEEPER_SECRET_KEY',
    'Secret key',
    ({ secretKey }) => (secretKey.key || secretKey.file ? 'set' : 'generated'),
  ],
  ['SANDKEEPER_SIGN_IN_LINK', 'Sign-in link', ({ signIn }) => (signIn.hasLink ? 'on' : 'off')],
  ['SANDKEEPER_SIGN_IN_TOKEN', 'Sign-in token', ({ signIn }) => (signIn.token ? 'set' : 'none')],
  ['SANDKEEPER_SESSION_IDLE', 'Unused session ends after', ({ sessions }) => minutes(sessions.idleMs)],
  ['SANDKEEPER_SESSION_MAX', 'Longest session', ({ sessions }) => minutes(sessions.maxMs)],
  ['SANDKEEPER_CONNECTIONS', 'Connections', ({ connections }) => `${connections.length} declared`],
  [
    'SANDKEEPER_MAX_CONCURRENCY',
    'Requests at a time to a service',
    ({ operations }) => `at most ${operations.maxConcurrency}`,
  ],
  ['SANDKEEPER_CONSOLES', 'Consoles of this server', ({ console }) => String(console.total)],
  ['SANDKEEPER_ARCHIVE_DIR', 'Archive directory', ({ archives }) => archives.dir ?? 'none'],
  ['SANDKEEPER_ARCHIVE_LIMIT_GB', 'Largest archive', ({ archives }) => `${archives.limitBytes / GB} GB`],
  ['SANDKEEPER_DISK_RESERVE_MB', 'Disk reserve', ({ diskReserveBytes }) => `${diskReserveBytes / MB} MB`],
  ['SANDKEEPER_TRUSTED_PROXIES', 'Trusted proxies', ({ http }) => http.trustedProxies.join(', ') || 'none'],
  ['SANDKEEPER_HTTP_CONNECTIONS', 'HTTP connections', ({ http }) => `at most ${http.connections.total}`],
  [
    'SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS',
    'HTTP connections of one address',
    ({ http }) => `at most ${http.connections.perAddress}`,
  ],
];

/** What the person may know of this installation. */
export function readAbout(grants: Grants): About {
  return {
    version,
    build: buildId(),
    limits: LIMITS.map(shown),
    details: mayIn(grants, 'admin', EVERYWHERE)
      ? {
          database: databaseOf(config()),
          runtime: `Node.js ${process.version}, ${process.platform} ${process.arch}`,
          settings: SETTINGS.map(shown),
        }
      : null,
  };
}

/** The same as text, to copy into a report. Without secrets, like what it is made of. */
export function diagnosticsOf({ version, build, limits, details }: About): string {
  const lines = [...limits, ...(details?.settings ?? [])].map(
    ({ name, value, source }) => `${name}: ${value} (${source})`,
  );
  const about = details === null ? [] : [`Database: ${details.database}`, details.runtime];
  return [`Sandkeeper ${version}, build ${build}`, ...about, ...lines].join('\n');
}

function shown([name, title, value]: Row): ShownSetting {
  return { name, title, value: value(config()), source: sourceOf(name) };
}

/** Without the address, which can hold a password. */
function databaseOf({ databaseUrl }: Config): string {
  return databaseUrl.startsWith('file:') ? 'embedded (libsql)' : 'PostgreSQL';
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

function minutes(ms: number): string {
  const count = ms / 60_000;
  return count % 60 === 0 && count >= 60 ? `${count / 60} h` : `${count} min`;
}
