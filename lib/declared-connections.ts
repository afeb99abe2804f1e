import 'server-only';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ConnectionFields, ConnectionKey, type ConnectionKind, type ConnectionSource } from './connection';
import { describeIssue, firstLine, readDeclaredFile } from './declared-file';

/** A connection with its key. Stays on the server. */
export type DeclaredConnection = Omit<ConnectionFields, 'kind'> & {
  kind: ConnectionKind;
  source: ConnectionSource;
  key: string;
  /** Where a wrong key or address is corrected, for messages. */
  keySetting: string;
  addressSetting: string;
};

type Environment = Record<string, string | undefined>;
type Declared = { connections: DeclaredConnection[]; problems: string[] };

/** E2B's own domains. Another one is a service that speaks the same API. */
const E2B_DOMAINS: ReadonlySet<string> = new Set(['e2b.app', 'e2b.dev']);

/** The name of the local engine's connection. */
export const LOCAL_NAME = 'local';

const FILE_SETTING = 'SANDKEEPER_CONNECTIONS';

/**
 * The connections of the environment: one each for `MORU_API_KEY` and `E2B_API_KEY`, and those in the file that
 * `SANDKEEPER_CONNECTIONS` names. Returns a sentence for each one that is wrong. See docs/configuration.md.
 */
export function readDeclared(environment: Environment): Declared {
  const found: Declared = { connections: [], problems: [] };
  const add: Add = (declared) => {
    const { where, fields, key, ...rest } = declared;
    const parsed = z.object({ fields: ConnectionFields, key: ConnectionKey }).safeParse({ fields, key });
    if (!parsed.success) {
      found.problems.push(...parsed.error.issues.map((issue) => describeIssue(where, issue)));
      return;
    }
    const { name } = parsed.data.fields;
    if (name === LOCAL_NAME) {
      found.problems.push(`${where}: the name ${name} is the local engine's. Choose another one.`);
    } else if (found.connections.some((other) => other.name === name)) {
      found.problems.push(`${where}: the name ${name} is taken. Give each connection a name of its own.`);
    } else found.connections.push({ ...parsed.data.fields, key: parsed.data.key, ...rest });
  };
  readServiceVariables(environment, add);
  const file = environment[FILE_SETTING]?.trim();
  if (file) readFile(file, environment, add, found.problems);
  return found;
}

type Add = (
  declared: Pick<DeclaredConnection, 'source' | 'keySetting' | 'addressSetting'> & {
    /** Where it is declared, for messages about what is wrong. */
    where: string;
    fields: unknown;
    key: unknown;
  },
) => void;

function readServiceVariables(environment: Environment, add: Add): void {
  const read = (name: string) => environment[name]?.trim() || undefined;
  for (const [prefix, name] of [
    ['MORU', 'moru'],
    ['E2B', 'e2b'],
  ] as const) {
    const key = read(`${prefix}_API_KEY`);
    if (key === undefined) continue;
    const domain = read(`${prefix}_DOMAIN`);
    const isOwnService = name === 'moru' || domain === undefined || E2B_DOMAINS.has(domain);
    const fields = {
      name,
      title: name === 'moru' ? 'Moru' : 'E2B',
      kind: isOwnService ? name : 'e2b-compatible',
      apiUrl: read(`${prefix}_API_URL`) ?? (domain && `https://api.${domain}`),
      domain,
      sandboxUrl: read(`${prefix}_SANDBOX_URL`),
      teamId: name === 'e2b' ? read('E2B_TEAM_ID') : undefined,
    };
    const keySetting = `${prefix}_API_KEY`;
    const addressSetting = `${prefix}_API_URL`;
    add({ source: 'environment', where: keySetting, fields, key, keySetting, addressSetting });
  }
}

/** Exactly one of the three says where the key is. */
const KeyReference = z.object({
  key: z.string().optional(),
  keyEnv: z.string().optional(),
  keyFile: z.string().optional(),
});

const ConnectionsFile = z.strictObject(
  { connections: z.array(z.looseObject({})) },
  'expected a list under `connections`',
);

function readFile(path: string, environment: Environment, add: Add, problems: string[]): void {
  const read = readDeclaredFile(FILE_SETTING, path, ConnectionsFile);
  if ('problems' in read) {
    problems.push(...read.problems);
    return;
  }
  for (const [index, entry] of read.content.connections.entries()) {
    const name = typeof entry.name === 'string' ? entry.name : `number ${index + 1}`;
    const place = `connection ${name} in ${path}`;
    const where = `${FILE_SETTING}: ${place}`;
    const { key, keyEnv, keyFile, ...fields } = entry;
    const reference = KeyReference.safeParse({ key, keyEnv, keyFile });
    const resolved = reference.success ? resolveKey(reference.data, environment, path) : undefined;
    if (resolved === undefined) {
      problems.push(`${where}: set exactly one of key, keyEnv and keyFile, as text.`);
    } else if ('problem' in resolved) problems.push(`${where}: ${resolved.problem}`);
    else {
      add({
        source: 'file',
        where,
        fields,
        key: resolved.key,
        keySetting: place,
        addressSetting: place,
      });
    }
  }
}

function resolveKey(
  { key, keyEnv, keyFile }: z.output<typeof KeyReference>,
  environment: Environment,
  path: string,
): { key: string } | { problem: string } | undefined {
  if ([key, keyEnv, keyFile].filter((value) => value !== undefined).length !== 1) return undefined;
  if (key !== undefined) return { key };
  if (keyEnv !== undefined) {
    const value = environment[keyEnv]?.trim();
    return value ? { key: value } : { problem: `the variable ${keyEnv} is not set.` };
  }
  try {
    return { key: readFileSync(resolve(dirname(path), keyFile ?? ''), 'utf8').trim() };
  } catch (error) {
    return { problem: `the key file cannot be read: ${firstLine((error as Error).message)}` };
  }
}
