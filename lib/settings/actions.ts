'use server';

import { z } from 'zod';
import { guardAction } from '../access/guard';
import { ConnectionKey } from '../connection';
import { EVERYWHERE } from '../grants';
import { type Result, resultOf } from '../result';
import { ConnectionName } from '../sandbox-key';
import {
  addToSettings,
  type Change,
  editInSettings,
  removeFromSettings,
  replaceKey,
  switchInSettings,
  testDraft,
} from './change-connection';
import { ChangedConnection, NewConnection } from './connection-draft';
import type { ConnectionTest } from './connection-test';
import { checkCompatibility } from './read-connections';

const Switch = z.strictObject({ name: ConnectionName, isDisabled: z.boolean() });
/** The version of a connection that the person saw. */
const Version = z.int().min(1);
const Edit = z.strictObject({ version: Version, entered: ChangedConnection });
const NewKey = z.strictObject({ name: ConnectionName, version: Version, key: ConnectionKey });
const Removal = z
  .strictObject({ name: ConnectionName, version: Version, typed: z.string().trim() })
  .refine(({ name, typed }) => typed === name, 'Type the name of the connection.');

/** Tries out a connection before it is saved. An empty key stands for the stored one. Role: admin. */
export async function tryConnection(
  input: z.input<typeof ChangedConnection>,
): Promise<Result<ConnectionTest>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('admin', ChangedConnection, input, EVERYWHERE);
    return testDraft(session, request);
  });
}

/** Adds a connection. Role: admin. */
export async function addOneConnection(input: z.input<typeof NewConnection>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, request] = await guardAction('admin', NewConnection, input, EVERYWHERE);
    return addToSettings(session, request);
  });
}

/** Changes everything but the name, of the version that was seen. An empty key keeps the stored one. Role: admin. */
export async function editOneConnection(input: z.input<typeof Edit>): Promise<Result<Change<null>>> {
  return resultOf(async () => {
    const [session, { version, entered }] = await guardAction('admin', Edit, input, EVERYWHERE);
    return editInSettings(session, version, entered);
  });
}

/** Replaces the key by one that works. Role: admin. */
export async function replaceConnectionKey(
  input: z.input<typeof NewKey>,
): Promise<Result<Change<ConnectionTest>>> {
  return resultOf(async () => {
    const [session, { key, ...seen }] = await guardAction('admin', NewKey, input, EVERYWHERE);
    return replaceKey(session, seen, key);
  });
}

/** Disables a connection, or enables it again. Role: admin. */
export async function switchConnection(input: z.input<typeof Switch>): Promise<Result<null>> {
  return resultOf(async () => {
    const [session, { name, isDisabled }] = await guardAction('admin', Switch, input, EVERYWHERE);
    return switchInSettings(session, name, isDisabled);
  });
}

/** Removes a connection for good, after its name was typed. Role: admin. */
export async function removeOneConnection(input: z.input<typeof Removal>): Promise<Result<Change<null>>> {
  return resultOf(async () => {
    const [session, { name, version }] = await guardAction('admin', Removal, input, EVERYWHERE);
    return removeFromSettings(session, { name, version });
  });
}

/** Asks a service again for what it offers. Role: operator. */
export async function checkOneConnection(name: ConnectionName): Promise<Result<null>> {
  return resultOf(async () => {
    const [, request] = await guardAction('operator', ConnectionName, name, (connection) => connection);
    return checkCompatibility(request);
  });
}
