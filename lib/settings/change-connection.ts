import 'server-only';
import { noteChange } from '../access/audit';
import type { AccessKind } from '../access/audit-schema';
import type { Who } from '../access/sessions';
import { type ConnectionFields, KIND_TITLES, SERVICE_KINDS } from '../connection';
import { connections, type KnownConnection } from '../connections/registry';
import { keySeal } from '../connections/secret-key';
import {
  addConnection,
  editConnection,
  isNameTaken,
  nameTaken,
  removeConnection,
  rotateKey,
  setDisabled,
} from '../connections/store';
import { LOCAL_NAME } from '../declared-connections';
import { SandkeeperError } from '../errors';
import type { ConnectionName } from '../sandbox-key';
import type { ConnectionDraft } from './connection-draft';
import { type ConnectionTest, testConnection } from './connection-test';

/**
 * The changes of connections in the settings. Each is recorded before it is made, by what changes and never with a key, and
 * holds in this process when it resolves. Other processes follow within seconds.
 */

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

export async function editInSettings(who: Who, { fields, key }: ConnectionDraft): Promise<null> {
  const known = await requireEditable(fields.name);
  const changes = changesBetween(known, fields);
  if (key === null) storedKeyFor(fields);
  else changes.push('API key');
  if (changes.length === 0) return null;
  await note(who, 'connection-edited', fields.name, changes.join('; '));
  await editConnection(fields, key === null ? undefined : { seal: keySeal(), key });
  await connections().reload();
  return null;
}

/** Tests the new key first. Requests under way go on with the old one. */
export async function replaceKey(who: Who, name: ConnectionName, key: string): Promise<ConnectionTest> {
  const known = await requireEditable(name);
  const found = await testConnection(fieldsOf(known), key);
  await note(who, 'connection-key-replaced', name, '');
  await rotateKey(keySeal(), name, key);
  await connections().reload();
  return found;
}

export async function switchInSettings(who: Who, name: ConnectionName, isDisabled: boolean): Promise<null> {
  const known = await requireEditable(name);
  if (known.isDisabled === isDisabled) return null;
  await note(who, isDisabled ? 'connection-disabled' : 'connection-enabled', name, '');
  await setDisabled(name, isDisabled);
  await connections().reload();
  return null;
}

export async function removeFromSettings(who: Who, name: ConnectionName): Promise<null> {
  await requireEditable(name);
  await note(who, 'connection-removed', name, '');
  await removeConnection(name);
  await connections().reload();
  return null;
}

function note(who: Who, kind: AccessKind, connection: ConnectionName, detail: string): Promise<void> {
  return noteChange(who, { kind, connection, detail });
}

/** The connection, as another process may have left it. @throws SandkeeperError `not_found`, or `conflict` if it is declared */
async function requireEditable(name: ConnectionName): Promise<KnownConnection> {
  await connections().reload();
  const known = connections().find(name);
  if (known === undefined)
    throw new SandkeeperError('not_found', `There is no connection named ${name}. Reload the page.`);
  if (known.declaredIn !== null) throw declared(known);
  return known;
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

/** The changed fields with their new values, for the record. */
function changesBetween(before: KnownConnection, after: ConnectionFields): string[] {
  return (Object.keys(FIELD_TITLES) as Field[]).flatMap((field) =>
    before[field] === after[field] ? [] : `${FIELD_TITLES[field]}: ${after[field] ?? 'none'}`,
  );
}

function fieldsOf(known: KnownConnection): ConnectionFields {
  const kind = SERVICE_KINDS.find((each) => each === known.kind);
  if (kind === undefined) throw new Error(`${known.name} is not a connection of the settings.`);
  const { name, title, label, apiUrl, domain, sandboxUrl, teamId } = known;
  return { name, title, label, apiUrl, domain, sandboxUrl, teamId, kind };
}
