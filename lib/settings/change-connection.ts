import 'server-only';
import { noteChange } from '../access/audit';
import type { AccessKind } from '../access/audit-schema';
import type { Who } from '../access/sessions';
import { type ConnectionChange, type ConnectionFields, KIND_TITLES, SERVICE_KINDS } from '../connection';
import { connections, type KnownConnection } from '../connections/registry';
import { keySeal } from '../connections/secret-key';
import {
  addConnection,
  editConnection,
  isNameTaken,
  lastChangeOf,
  nameTaken,
  removeConnection,
  rotateKey,
  setDisabled,
} from '../connections/store';
import { LOCAL_NAME } from '../declared-connections';
import { SandkeeperError } from '../errors';
import type { ConnectionName } from '../sandbox-key';
import type { ConnectionDraft } from './connection-draft';
import type { ConnectionFacts } from './connection-facts';
import { type ConnectionTest, testConnection } from './connection-test';
import { findConnectionFacts } from './read-connections';

/**
 * The changes of connections in the settings. Each is recorded before it is made, by what changes and never with a key, and
 * holds in this process when it resolves. Other processes follow within seconds.
 */

/** The present state of a connection, and what made it so since the person saw it. */
export type Newer = { facts: ConnectionFacts; changes: ConnectionChange[] };

/**
 * A change is made only to the state that the person saw, so that nobody undoes the change of another unawares. Otherwise
 * nothing changes, and `newer` tells why.
 */
export type Change<T> = { isMade: true; value: T } | { isMade: false; newer: Newer };

/** The state of a connection that a person saw. */
export type Seen = { name: ConnectionName; version: number };

/** Tries out what was entered. The stored key is used only for the address that it is stored for. */
export async function testDraft(who: Who, { fields, key }: ConnectionDraft): Promise<ConnectionTest> {
  await connections().reload();
  const used = key ?? storedKeyFor(fields);
  await note(who, 'connection-tested', fields.name, fields.apiUrl);
  return testConnection(fields, used);
}

export async function addToSettings(who: Who, { fields, key }: ConnectionDraft): Promise<null> {
  const { name } = fields;
  await connections().reload();
  const known = connections().find(name);
  if (known !== undefined && known.declaredIn !== null) throw declared(known);
  if (name === LOCAL_NAME)
    throw new SandkeeperError('conflict', `The name ${name} is the local engine's. Choose another name.`);
  if (known !== undefined || (await isNameTaken(name))) throw nameTaken(name);
  if (key === null) throw new SandkeeperError('invalid', 'Enter the API key.');
  await note(who, 'connection-added', name, `${KIND_TITLES[fields.kind]} at ${fields.apiUrl}`);
  await addConnection(keySeal(), fields, key, who.actor);
  await connections().reload();
  return null;
}

export async function editInSettings(
  who: Who,
  version: number,
  { fields, key }: ConnectionDraft,
): Promise<Change<null>> {
  const seen = { name: fields.name, version };
  const known = await requireEditable(fields.name);
  if (known.version !== version) return newerThan(seen);
  const changes = changesBetween(known, fields);
  if (key === null) storedKeyFor(fields);
  if (changes.length === 0 && key === null) return MADE;
  const texts = changes.map(({ field, value }) => `${FIELD_TITLES[field]}: ${value ?? 'none'}`);
  const words = changes.map(
    ({ field, value }) => `the ${FIELD_TITLES[field]} to ${value === null ? 'none' : `“${value}”`}`,
  );
  if (key !== null) {
    texts.push('API key');
    words.push('the API key');
  }
  await note(who, 'connection-edited', fields.name, texts.join('; '));
  const edit = { version, by: who.actor, what: `changed ${joinWords(words)}` };
  const isMade = await editConnection(fields, edit, key === null ? undefined : { seal: keySeal(), key });
  await connections().reload();
  return isMade ? MADE : newerThan(seen);
}

/** Tests the new key first. Requests under way go on with the old one. */
export async function replaceKey(who: Who, seen: Seen, key: string): Promise<Change<ConnectionTest>> {
  const { name, version } = seen;
  const known = await requireEditable(name);
  if (known.version !== version) return newerThan(seen);
  const value = await testConnection(fieldsOf(known), key);
  await note(who, 'connection-key-replaced', name, '');
  const edit = { version, by: who.actor, what: 'replaced the API key' };
  const isMade = await rotateKey(keySeal(), name, key, edit);
  await connections().reload();
  return isMade ? { isMade, value } : newerThan(seen);
}

/** Asked for by the state that it leads to, so that it undoes nothing of another person. */
export async function switchInSettings(who: Who, name: ConnectionName, isDisabled: boolean): Promise<null> {
  const known = await requireEditable(name);
  if (known.isDisabled === isDisabled) return null;
  await note(who, isDisabled ? 'connection-disabled' : 'connection-enabled', name, '');
  const what = isDisabled ? 'disabled it' : 'enabled it';
  await setDisabled(name, isDisabled, { version: null, by: who.actor, what });
  await connections().reload();
  return null;
}

export async function removeFromSettings(who: Who, seen: Seen): Promise<Change<null>> {
  const { name, version } = seen;
  const known = await requireEditable(name);
  if (known.version !== version) return newerThan(seen);
  await note(who, 'connection-removed', name, '');
  const isMade = await removeConnection(name, { version, by: who.actor, what: 'removed it' });
  await connections().reload();
  return isMade ? MADE : newerThan(seen);
}

const MADE = { isMade: true, value: null } as const;

async function newerThan({ name, version }: Seen): Promise<{ isMade: false; newer: Newer }> {
  const facts = findConnectionFacts(name);
  if (facts === null) throw await removed(name);
  const changes = facts.changes.filter((change) => change.version > version);
  return { isMade: false, newer: { facts, changes } };
}

function note(who: Who, kind: AccessKind, connection: ConnectionName, detail: string): Promise<void> {
  return noteChange(who, { kind, connection, detail });
}

/** The connection, as another process may have left it. @throws SandkeeperError `not_found`, or `conflict` if it is declared */
async function requireEditable(name: ConnectionName): Promise<KnownConnection> {
  await connections().reload();
  const known = connections().find(name);
  if (known === undefined) throw await removed(name);
  if (known.declaredIn !== null) throw declared(known);
  return known;
}

async function removed(name: ConnectionName): Promise<SandkeeperError> {
  const last = await lastChangeOf(name);
  return new SandkeeperError(
    'not_found',
    last === null
      ? `There is no connection named ${name}. Reload the page.`
      : `${last.by} removed the connection ${name}. Its history stays, but it cannot be changed any more.`,
  );
}

function declared({ name, declaredIn }: KnownConnection): SandkeeperError {
  return new SandkeeperError(
    'conflict',
    `The connection ${name} is configured in ${declaredIn} and cannot be changed here.`,
  );
}

/** Sent to another address, a stored key would be revealed there. */
function storedKeyFor({ name, apiUrl }: ConnectionFields): string {
  const known = connections().find(name);
  if (known?.key != null && known.declaredIn === null && known.apiUrl === apiUrl) return known.key;
  throw new SandkeeperError(
    'invalid',
    'Enter the API key again, because the stored one is for another address.',
  );
}

type Field = Exclude<keyof ConnectionFields, 'name'>;

const FIELD_TITLES = {
  kind: 'kind',
  title: 'title',
  label: 'label',
  apiUrl: 'API address',
  domain: 'domain',
  sandboxUrl: 'sandbox address',
  teamId: 'team ID',
} satisfies Record<Field, string>;

function changesBetween(
  before: KnownConnection,
  after: ConnectionFields,
): { field: Field; value: string | null }[] {
  return (Object.keys(FIELD_TITLES) as Field[]).flatMap((field) =>
    before[field] === after[field] ? [] : { field, value: after[field] },
  );
}

function joinWords(words: readonly string[]): string {
  const [last, ...before] = words.toReversed();
  return before.length === 0 ? (last ?? '') : `${before.toReversed().join(', ')} and ${last}`;
}

function fieldsOf(known: KnownConnection): ConnectionFields {
  const kind = SERVICE_KINDS.find((each) => each === known.kind);
  if (kind === undefined) throw new Error(`${known.name} is not a connection of the settings.`);
  const { name, title, label, apiUrl, domain, sandboxUrl, teamId } = known;
  return { name, title, label, apiUrl, domain, sandboxUrl, teamId, kind };
}
