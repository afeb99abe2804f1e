'use server';

import { z } from 'zod';
import { guardWrite } from '../access/guard';
import { parseInput } from '../access/input';
import { ConnectionKey } from '../connection';
import { type Result, resultOf } from '../result';
import { ConnectionName } from '../sandbox-key';
import {
  addToSettings,
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
const NewKey = z.strictObject({ name: ConnectionName, key: ConnectionKey });
const Removal = z
  .strictObject({ name: ConnectionName, typed: z.string().trim() })
  .refine(({ name, typed }) => typed === name, 'Type the name of the connection.');

/** Tries out a connection before it is saved. An empty key stands for the stored one. Role: admin. */
export async function tryConnection(
  input: z.input<typeof ChangedConnection>,
): Promise<Result<ConnectionTest>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    return testDraft(session, parseInput(ChangedConnection, input));
  });
}

/** Adds a connection. Role: admin. */
export async function addOneConnection(input: z.input<typeof NewConnection>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    return addToSettings(session, parseInput(NewConnection, input));
  });
}

/** Changes everything but the name. An empty key keeps the stored one. Role: admin. */
export async function editOneConnection(input: z.input<typeof ChangedConnection>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    return editInSettings(session, parseInput(ChangedConnection, input));
  });
}

/** Replaces the key by one that works. Role: admin. */
export async function replaceConnectionKey(input: z.input<typeof NewKey>): Promise<Result<ConnectionTest>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    const { name, key } = parseInput(NewKey, input);
    return replaceKey(session, name, key);
  });
}

/** Disables a connection, or enables it again. Role: admin. */
export async function switchConnection(input: z.input<typeof Switch>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    const { name, isDisabled } = parseInput(Switch, input);
    return switchInSettings(session, name, isDisabled);
  });
}

/** Removes a connection for good, after its name was typed. Role: admin. */
export async function removeOneConnection(input: z.input<typeof Removal>): Promise<Result<null>> {
  return resultOf(async () => {
    const session = await guardWrite('admin');
    const { name } = parseInput(Removal, input);
    return removeFromSettings(session, name);
  });
}

/** Asks a service again for what it offers. Role: operator. */
export async function checkOneConnection(name: ConnectionName): Promise<Result<null>> {
  return resultOf(async () => {
    await guardWrite('operator');
    return checkCompatibility(parseInput(ConnectionName, name));
  });
}
