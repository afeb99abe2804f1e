import { z } from 'zod';
import { ConnectionFields, ConnectionKey, hostBehindApi, SERVICE_KINDS, SERVICES } from '../connection';

/** The texts of the form of a connection. Optional ones may be empty. */
const Texts = {
  kind: z.string(),
  name: z.string(),
  title: z.string(),
  label: z.string(),
  apiUrl: z.string(),
  domain: z.string(),
  sandboxUrl: z.string(),
  teamId: z.string(),
  key: z.string(),
};
type Texts = z.infer<z.ZodObject<typeof Texts>>;

/** A connection as people enter it. `key`: `null` if the stored one stays. */
export type ConnectionDraft = { fields: ConnectionFields; key: string | null };

/** Parses the form of a connection, in the browser and again in the action. */
function draftSchema(isKeyOptional: boolean) {
  return z.strictObject(Texts).transform((texts, context): ConnectionDraft => {
    const { key, ...entered } = texts;
    const fields = ConnectionFields.safeParse(withoutEmpty(entered));
    const parsedKey = isKeyOptional && key.trim() === '' ? { data: null } : ConnectionKey.safeParse(key);
    for (const { path, message } of fields.error?.issues ?? [])
      context.addIssue({ code: 'custom', path, message });
    if ('error' in parsedKey && parsedKey.error)
      for (const { message } of parsedKey.error.issues)
        context.addIssue({ code: 'custom', path: ['key'], message });
    if (!fields.success || parsedKey.data === undefined) return z.NEVER;
    return { fields: fields.data, key: parsedKey.data };
  });
}

export const NewConnection = draftSchema(false);
export const ChangedConnection = draftSchema(true);

function withoutEmpty({ kind, name, ...optional }: Omit<Texts, 'key'>): object {
  const entered = Object.entries(optional).flatMap(([field, text]) =>
    text.trim() === '' ? [] : [[field, text.trim()]],
  );
  return { kind, name: name.trim(), ...Object.fromEntries(entered) };
}

/** The texts for a connection, or for a new one. Defaults are left empty, and the key is never among them. */
export function draftOf(connection: ConnectionFields | null): Texts {
  if (connection === null) return { ...NOTHING_ENTERED, kind: SERVICE_KINDS[0] };
  const { name, title, label, kind, apiUrl, domain, sandboxUrl, teamId } = connection;
  const usual = SERVICES[kind];
  return {
    ...NOTHING_ENTERED,
    kind,
    name,
    title: title === name ? '' : title,
    label: label ?? '',
    apiUrl: apiUrl === usual.apiUrl ? '' : apiUrl,
    domain: domain === (usual.domain ?? hostBehindApi(apiUrl)) ? '' : domain,
    sandboxUrl: sandboxUrl ?? '',
    teamId: teamId ?? '',
  };
}

const NOTHING_ENTERED = {
  name: '',
  title: '',
  label: '',
  apiUrl: '',
  domain: '',
  sandboxUrl: '',
  teamId: '',
  key: '',
};

type Name = keyof Texts;

/**
 * Puts what was typed on top of another state: `base` is what the person saw, `typed` what they made of it. `own`: the fields
 * that keep the typed text. `contested`: those among them that differ from `newer`, where somebody else changed them too.
 */
export function rebase(
  typed: Texts,
  base: Texts,
  newer: Texts,
): { values: Texts; own: Name[]; contested: { name: Name; theirs: string }[] } {
  const own = (Object.keys(typed) as Name[]).filter((name) => typed[name] !== base[name]);
  const kept = Object.fromEntries(own.map((name) => [name, typed[name]]));
  const contested = own
    .filter((name) => newer[name] !== base[name] && newer[name] !== typed[name])
    .map((name) => ({ name, theirs: newer[name] }));
  return { values: { ...newer, ...kept }, own, contested };
}
