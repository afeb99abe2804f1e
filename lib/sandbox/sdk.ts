import { type ConnectionKind, SERVICES, type ShownConnection } from '../connection';

/** The library and command line that a service is used with, as far as they differ. */
export type Sdk = {
  /** The name of the service. */
  title: string;
  /** The npm package, the Python module and the command. */
  npm: string;
  python: string;
  command: string;
  pause: { typescript: string; python: string };
  /** Whether the command line can pause a sandbox. */
  canCommandPause: boolean;
  /** How the names of its environment variables begin. */
  prefix: 'MORU' | 'E2B';
};

const MORU: Sdk = {
  title: 'Moru',
  npm: '@moru-ai/core',
  python: 'moru',
  command: 'moru',
  pause: { typescript: 'betaPause', python: 'beta_pause' },
  canCommandPause: false,
  prefix: 'MORU',
};

const E2B: Sdk = {
  title: 'E2B',
  npm: 'e2b',
  python: 'e2b',
  command: 'e2b',
  pause: { typescript: 'pause', python: 'pause' },
  canCommandPause: true,
  prefix: 'E2B',
};

/** The local engine speaks both. It prints what Moru's needs at its start. */
const SDKS = {
  local: MORU,
  moru: MORU,
  e2b: E2B,
  'e2b-compatible': E2B,
} satisfies Record<ConnectionKind, Sdk>;

export function sdkOf(kind: ConnectionKind): Sdk {
  return SDKS[kind];
}

/** The environment variable with the API key. */
export function keyVariable({ prefix }: Sdk): string {
  return `${prefix}_API_KEY`;
}

/** Whether Sandkeeper prints the variables when it starts, as for its own engine. */
const PRINTED = {
  local: true,
  moru: false,
  e2b: false,
  'e2b-compatible': false,
} satisfies Record<ConnectionKind, boolean>;

export function hasPrintedVariables(kind: ConnectionKind): boolean {
  return PRINTED[kind];
}

/** What the SDK of a kind uses without variables. */
const USUAL_DOMAINS = {
  local: undefined,
  moru: SERVICES.moru.domain,
  e2b: SERVICES.e2b.domain,
  'e2b-compatible': SERVICES['e2b-compatible'].domain,
} satisfies Record<ConnectionKind, string | undefined>;

type Addresses = { apiUrl: string; domain: string; sandboxUrl: string | null };

/** The environment variables with which the SDK of a service finds it, if it is not at its usual addresses. No keys. */
export function addressVariables(kind: ConnectionKind, at: Addresses): ShownConnection['variables'] {
  const { prefix } = SDKS[kind];
  const { apiUrl, domain, sandboxUrl } = at;
  return {
    ...(domain === USUAL_DOMAINS[kind] ? {} : { [`${prefix}_DOMAIN`]: domain }),
    ...(apiUrl === `https://api.${domain}` ? {} : { [`${prefix}_API_URL`]: apiUrl }),
    ...(sandboxUrl === null ? {} : { [`${prefix}_SANDBOX_URL`]: sandboxUrl }),
  };
}
