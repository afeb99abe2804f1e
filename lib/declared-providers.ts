import 'server-only';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { firstLine, readDeclaredFile } from './declared-file';
import { EVERYWHERE } from './grants';
import { ROLES, type Role } from './roles';
import { ConnectionName } from './sandbox-key';

/** What the members of a group may do: a role on connections, or on all with `*`. */
export type GroupGrant = { group: string; role: Role; on: string[] };

/** An OpenID Connect provider with its secret. Stays on the server. */
export type DeclaredProvider = {
  /** Stands in addresses. */
  name: string;
  /** Stands on buttons and in messages. */
  title: string;
  issuer: string;
  clientId: string;
  /** `null`: a public client, which proves itself by PKCE alone. */
  clientSecret: string | null;
  /** Where the secret comes from. */
  secretFrom: string | null;
  scopes: string;
  /** Further parameters of the authorization request. */
  parameters: Record<string, string>;
  /** The claim that lists the groups: a name, or a path with dots. */
  groupsClaim: string;
  grants: GroupGrant[];
  source: 'environment' | 'file';
  /** Where it is declared, for messages and for the page of the settings. */
  declaredIn: string;
  /** The fields that have their default. */
  defaults: readonly DefaultField[];
};

const DEFAULT_FIELDS = ['title', 'scopes', 'parameters', 'groupsClaim'] as const;
type DefaultField = (typeof DEFAULT_FIELDS)[number];

type Environment = Record<string, string | undefined>;
type Declared = { providers: DeclaredProvider[]; problems: string[] };
type Place = Pick<DeclaredProvider, 'source' | 'declaredIn'>;

const FILE_SETTING = 'SANDKEEPER_OIDC_FILE';
const PREFIX = 'SANDKEEPER_OIDC_';
/** The name of the provider that the environment declares. */
const ENVIRONMENT_PROVIDER = 'sso';
const VARIABLES = {
  issuer: `${PREFIX}ISSUER`,
  clientId: `${PREFIX}CLIENT_ID`,
  clientSecret: `${PREFIX}CLIENT_SECRET`,
  clientSecretFile: `${PREFIX}CLIENT_SECRET_FILE`,
  title: `${PREFIX}NAME`,
  scopes: `${PREFIX}SCOPES`,
  parameters: `${PREFIX}PARAMETERS`,
  groupsClaim: `${PREFIX}GROUPS_CLAIM`,
  grants: `${PREFIX}GRANTS`,
} as const;

const DEFAULT_SCOPES = 'openid profile email';
/** Sandkeeper sets these itself. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
]);

const Line = (max: number) =>
  z
    .string('Enter text.')
    .trim()
    .min(1, 'Enter a value.')
    .max(max, `Use at most ${max} characters.`)
    .refine((text) => !/\p{Cc}/u.test(text), 'Remove the control characters.');

const Issuer = z
  .string('Enter the address of the issuer.')
  .trim()
  .refine((url) => URL.canParse(url), 'Enter an address such as https://login.example.com.')
  .refine(
    (url) => !URL.canParse(url) || isSafe(new URL(url)),
    'Use https. Plain http is accepted on this machine alone.',
  )
  .refine((url) => {
    if (!URL.canParse(url)) return true;
    const { username, password, search, hash } = new URL(url);
    return !username && !password && !search && !hash;
  }, 'Enter the address without a user name, query or fragment.')
  .refine(
    (url) => !/\/(?:common|organizations|consumers)(?:\/|$)/.test(url),
    'Use the address of your own tenant. One that serves every organization lets anybody in.',
  )
  .transform((url) => url.replace(/\/\.well-known\/openid-configuration$/, ''));

const Grant = z.strictObject({
  group: Line(512),
  role: z.enum(ROLES, 'Choose viewer, operator or admin.'),
  on: z
    .union([z.literal(EVERYWHERE), ConnectionName, z.array(z.union([z.literal(EVERYWHERE), ConnectionName]))])
    .default(EVERYWHERE)
    .transform((on) => (typeof on === 'string' ? [on] : on))
    .refine((on) => on.length > 0, 'Name at least one connection, or * for all.'),
});

const Provider = z.strictObject({
  name: z
    .string('Enter a name.')
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'Use 1 to 40 lower-case letters, digits and hyphens.'),
  title: Line(40).optional(),
  issuer: Issuer,
  clientId: Line(512),
  scopes: Line(512)
    .refine((text) => text.split(/\s+/).includes('openid'), 'Include the scope openid.')
    .default(DEFAULT_SCOPES),
  parameters: z
    .record(z.string().regex(/^[\x21-\x7e]{1,60}$/), Line(256), 'Enter names with text values.')
    .refine((all) => Object.keys(all).every((name) => !OWN_PARAMETERS.has(name)), {
      error: 'Remove those that Sandkeeper sets itself, such as scope or redirect_uri.',
    })
    .default({}),
  groupsClaim: Line(200).default('groups'),
  grants: z
    .array(Grant, 'List the groups that give access.')
    .min(1, 'Give at least one group a role, or nobody can sign in.')
    .max(1_000),
});

/**
 * The providers of the environment: the one of `SANDKEEPER_OIDC_ISSUER`, and those in the file that `SANDKEEPER_OIDC_FILE`
 * names. Returns a sentence for each one that is wrong. See docs/sign-in.md.
 */
export function readProviders(environment: Environment): Declared {
  const found: Declared = { providers: [], problems: [] };
  const add: Add = (where, fields, secret, place, names) => {
    const parsed = Provider.safeParse(fields);
    if (!parsed.success)
      found.problems.push(...parsed.error.issues.map((issue) => describeIssue(where, issue, names)));
    if ('problem' in secret) found.problems.push(`${where}: ${secret.problem}`);
    if (!parsed.success || 'problem' in secret) return;
    const provider = parsed.data;
    const same = found.providers.find(({ name, issuer }) =>
      name === provider.name ? true : sameIssuer(issuer, provider.issuer),
    );
    if (same !== undefined) {
      const what = same.name === provider.name ? `name ${same.name}` : `issuer ${same.issuer}`;
      found.problems.push(`${where}: the ${what} is already used by ${same.declaredIn}.`);
      return;
    }
    found.providers.push({
      ...provider,
      title: provider.title ?? new URL(provider.issuer).host,
      clientSecret: secret.value,
      secretFrom: secret.from,
      ...place,
      defaults: DEFAULT_FIELDS.filter((field) => fields[field] === undefined),
    });
  };
  readVariables(environment, add, found.problems);
  const file = environment[FILE_SETTING]?.trim();
  if (file) readFile(file, environment, add, found.problems);
  return found;
}

type Names = Readonly<Record<string, string>>;
type Secret = { value: string; from: string } | { value: null; from: null } | { problem: string };
type Add = (
  where: string,
  fields: Readonly<Record<string, unknown>>,
  secret: Secret,
  place: Place,
  names?: Names,
) => void;

function readVariables(environment: Environment, add: Add, problems: string[]): void {
  const read = (name: keyof typeof VARIABLES) => environment[VARIABLES[name]]?.trim() || undefined;
  if (read('issuer') === undefined) {
    const alone = Object.values(VARIABLES).find((name) => environment[name]?.trim());
    if (alone !== undefined)
      problems.push(`${alone} is set but ${VARIABLES.issuer} is not: set both, or neither.`);
    return;
  }
  const fields = {
    name: ENVIRONMENT_PROVIDER,
    title: read('title'),
    issuer: read('issuer'),
    clientId: read('clientId'),
    scopes: read('scopes'),
    parameters: read('parameters') && Object.fromEntries(new URLSearchParams(read('parameters'))),
    groupsClaim: read('groupsClaim'),
    grants: parseGrants(read('grants') ?? ''),
  };
  const secret = readSecret(
    { text: read('clientSecret'), file: read('clientSecretFile') },
    { text: VARIABLES.clientSecret, file: VARIABLES.clientSecretFile },
    process.cwd(),
  );
  const place = { source: 'environment', declaredIn: VARIABLES.issuer } as const;
  add(VARIABLES.issuer, fields, secret, place, VARIABLES);
}

/**
 * `GROUP=ROLE` or `GROUP=ROLE@CONNECTION`, separated by semicolons. A group may contain `=` and commas, as the names of a
 * directory do.
 */
function parseGrants(text: string): unknown[] {
  return text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.lastIndexOf('=');
      const [role = '', ...on] = equals < 0 ? [] : part.slice(equals + 1).split('@');
      return {
        group: equals < 0 ? part : part.slice(0, equals),
        role: role.trim(),
        ...(on.length === 0 ? {} : { on: on.join('@').trim() }),
      };
    });
}

const ProvidersFile = z.strictObject(
  { providers: z.array(z.looseObject({})) },
  'expected a list under `providers`',
);
const SecretReference = z.object({
  clientSecret: z.string().optional(),
  clientSecretEnv: z.string().optional(),
  clientSecretFile: z.string().optional(),
});

function readFile(path: string, environment: Environment, add: Add, problems: string[]): void {
  const read = readDeclaredFile(FILE_SETTING, path, ProvidersFile);
  if ('problems' in read) {
    problems.push(...read.problems);
    return;
  }
  for (const [index, entry] of read.content.providers.entries()) {
    const { clientSecret, clientSecretEnv, clientSecretFile, ...fields } = entry;
    const name = typeof entry.name === 'string' ? entry.name : `number ${index + 1}`;
    const declaredIn = `provider ${name} in ${path}`;
    const reference = SecretReference.safeParse({ clientSecret, clientSecretEnv, clientSecretFile });
    const secret = reference.success
      ? resolveSecret(reference.data, environment, dirname(path))
      : { problem: 'clientSecret, clientSecretEnv and clientSecretFile are text.' };
    add(`${FILE_SETTING}: ${declaredIn}`, fields, secret, { source: 'file', declaredIn });
  }
}

function resolveSecret(
  { clientSecret, clientSecretEnv, clientSecretFile }: z.output<typeof SecretReference>,
  environment: Environment,
  folder: string,
): Secret {
  const names = { text: 'clientSecret', file: 'clientSecretFile' };
  if (clientSecretEnv === undefined)
    return readSecret({ text: clientSecret, file: clientSecretFile }, names, folder);
  if (clientSecret !== undefined || clientSecretFile !== undefined)
    return { problem: 'set only one of clientSecret, clientSecretEnv and clientSecretFile.' };
  const value = environment[clientSecretEnv]?.trim();
  return value
    ? { value, from: clientSecretEnv }
    : { problem: `the variable ${clientSecretEnv} is not set.` };
}

function readSecret(
  { text, file }: { text: string | undefined; file: string | undefined },
  names: { text: string; file: string },
  folder: string,
): Secret {
  if (text !== undefined && file !== undefined)
    return { problem: `${names.text} and ${names.file} are both set: remove one.` };
  if (text !== undefined) return { value: text, from: names.text };
  if (file === undefined) return { value: null, from: null };
  try {
    const value = readFileSync(resolve(folder, file), 'utf8').trim();
    return value === '' ? { problem: `the file of ${names.file} is empty.` } : { value, from: names.file };
  } catch (error) {
    return { problem: `the file of ${names.file} cannot be read: ${firstLine((error as Error).message)}` };
  }
}

/** Tokens on the way to a plain http address could be read and changed by others. */
function isSafe({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true;
  return protocol === 'http:' && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function sameIssuer(one: string, other: string): boolean {
  return new URL(one).href === new URL(other).href;
}

/** One sentence, with the variable if one has the value. Never quotes a value. */
function describeIssue(where: string, { path, message }: z.core.$ZodIssue, names: Names = {}): string {
  const [first, ...rest] = path.map(String);
  const variable = first === undefined ? undefined : names[first];
  if (variable === undefined) return `${where}: ${first ? `${path.join('.')}: ` : ''}${message}`;
  const [index, ...field] = rest;
  const entry =
    index === undefined
      ? ''
      : `entry ${Number(index) + 1}${field.length > 0 ? `, ${field.join('.')}` : ''}: `;
  return `${variable}: ${entry}${message}`;
}
