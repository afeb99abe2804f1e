import { z } from 'zod';
import { ConnectionName } from './sandbox-key';

/** The services that people connect to. The local engine is the only connection of another kind. */
export const SERVICE_KINDS = ['moru', 'e2b', 'e2b-compatible'] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];
/** What a connection speaks to (docs/protocol.md#services). Only `lib/sandbox-api/` knows how the kinds differ. */
export type ConnectionKind = 'local' | ServiceKind;

const Text = (max: number) =>
  z
    .string()
    .trim()
    .max(max, `Use at most ${max} characters.`)
    .refine((text) => !/\p{Cc}/u.test(text), 'Remove the control characters.');

const ServiceUrl = z
  .url({ protocol: /^https?$/, error: 'Enter an http or https address, such as https://api.moru.io.' })
  .max(300)
  .refine((url) => {
    if (!URL.canParse(url)) return true;
    const { username, password, search, hash } = new URL(url);
    return !username && !password && !search && !hash;
  }, 'Enter an address without a user name, query or fragment.')
  .transform((url) => url.replace(/\/+$/, ''));

const Domain = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'Enter a domain such as moru.io, without https://.');

/** An API key as a service issues it. */
export const ConnectionKey = z
  .string()
  .trim()
  .min(1, 'Enter the API key.')
  .max(512, 'An API key has at most 512 characters.')
  .regex(/^[\x21-\x7e]+$/, 'An API key has no spaces and only ASCII characters.');

/** The addresses of each service, and how its keys begin. */
export const SERVICES = {
  moru: { apiUrl: 'https://api.moru.io', domain: 'moru.io', keyPrefix: 'moru_' },
  e2b: { apiUrl: 'https://api.e2b.app', domain: 'e2b.app', keyPrefix: 'e2b_' },
  'e2b-compatible': { apiUrl: undefined, domain: undefined, keyPrefix: undefined },
} as const satisfies Record<ServiceKind, Record<'apiUrl' | 'domain' | 'keyPrefix', string | undefined>>;

export const KIND_TITLES = {
  local: 'Local engine',
  moru: 'Moru',
  e2b: 'E2B',
  'e2b-compatible': 'E2B-compatible',
} satisfies Record<ConnectionKind, string>;

/** The fields of a connection that people enter, completed by the addresses of the service. */
export const ConnectionFields = z
  .strictObject({
    name: ConnectionName,
    title: Text(60).optional(),
    kind: z.enum(SERVICE_KINDS, 'Choose moru, e2b or e2b-compatible.'),
    apiUrl: ServiceUrl.optional(),
    /** Sandboxes are at `https://PORT-ID.DOMAIN`. */
    domain: Domain.optional(),
    /** Set if all sandboxes are behind one address and told apart by headers. */
    sandboxUrl: ServiceUrl.optional(),
    teamId: z
      .string()
      .regex(/^[\x21-\x7e]{1,100}$/, 'A team ID has no spaces.')
      .optional(),
    /** A few letters for badges. */
    label: Text(8).optional(),
  })
  .transform((fields) => {
    const { apiUrl, domain } = SERVICES[fields.kind];
    return {
      ...fields,
      title: fields.title || fields.name,
      label: fields.label || null,
      teamId: fields.teamId ?? null,
      apiUrl: fields.apiUrl ?? apiUrl,
      domain: fields.domain ?? domain,
      sandboxUrl: fields.sandboxUrl ?? null,
    };
  })
  .refine((fields) => fields.apiUrl !== undefined, {
    path: ['apiUrl'],
    message: 'Enter the address of the API: only Moru and E2B have a known one.',
  })
  .transform((fields) => {
    const apiUrl = fields.apiUrl ?? '';
    return { ...fields, apiUrl, domain: fields.domain ?? hostBehindApi(apiUrl) };
  });
export type ConnectionFields = z.output<typeof ConnectionFields>;

/** `https://api.example.com` serves the sandboxes of `example.com`. */
export function hostBehindApi(apiUrl: string): string {
  return new URL(apiUrl).host.replace(/^api\./, '');
}

/** Where a connection comes from. Those of the environment and of a file cannot be edited in Sandkeeper. */
export type ConnectionSource = 'environment' | 'file' | 'settings';

/** A change of a connection of the settings. */
export const ConnectionChange = z.object({
  /** The version that it made. */
  version: z.number(),
  by: z.string(),
  atMs: z.number(),
  /** What happened, after the name of the person: `changed the title to “Live”`. Nothing secret. */
  what: z.string(),
});
export type ConnectionChange = z.infer<typeof ConnectionChange>;

/** A connection as admins see it. The key itself never leaves the server. */
export type ConnectionView = Omit<ConnectionFields, 'kind'> & {
  kind: ConnectionKind;
  source: ConnectionSource;
  /** The last four characters of the key, or `null` if it is too short to show any. */
  keyTail: string | null;
  isDisabled: boolean;
  createdBy: string | null;
  createdAtMs: number | null;
  /** Names its state, so that a change that is based on an older one can be refused. 0 if it cannot be changed. */
  version: number;
  /** The last changes, oldest first. */
  changes: readonly ConnectionChange[];
};

/** A connection in use, as everybody sees it. */
export type ShownConnection = Pick<ConnectionView, 'name' | 'title' | 'label' | 'kind'> & {
  /** The host of its API. */
  host: string;
  /** The environment variables that code needs besides the key, such as `E2B_DOMAIN`. */
  variables: Readonly<Record<string, string>>;
};

type Named = Pick<ShownConnection, 'name' | 'label'>;

/** Whether people have to be told that something is in this connection: always, unless it is the only one in use. */
export function isConnectionNamed(name: ConnectionName, inUse: readonly Named[]): boolean {
  return inUse.length > 1 || (inUse.length === 1 && inUse[0]?.name !== name);
}

/**
 * The word for a connection on screen: its label, or else its name. Its name as well if the label could mean another
 * connection. Text that is copied, sent or typed has the name.
 */
export function connectionWord(name: ConnectionName, inUse: readonly Named[]): string {
  const label = inUse.find((connection) => connection.name === name)?.label ?? null;
  if (label === null) return name;
  const isShared = inUse.some((other) => other.name !== name && [other.label, other.name].includes(label));
  return isShared ? name : label;
}

const MIN_KEY_WITH_TAIL = 12;

/** The part of a key by which people recognise it. */
export function keyTail(key: string): string | null {
  return key.length < MIN_KEY_WITH_TAIL ? null : key.slice(-4);
}
