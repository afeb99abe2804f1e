'use server';

import { z } from 'zod';
import { ANYWHERE, EVERYWHERE } from '../../grants';
import { type Result, resultOf } from '../../result';
import { guardAction } from '../guard';
import { endAllSessions, endSession } from '../session-list';
import { renameSelf } from './rename';
import { OwnName, PersonId, SessionRef } from './schema';

const Renamed = z.strictObject({ name: OwnName });
const Nothing = z.strictObject({});
const OwnSession = z.strictObject({ ref: SessionRef });
const SessionOfPerson = z.strictObject({ userId: PersonId, ref: SessionRef });
const Person = z.strictObject({ userId: PersonId });

/** Renames the caller. Records keep the name of their time. Role: viewer. */
export async function changeOwnName(input: z.input<typeof Renamed>): Promise<Result<null>> {
  return resultOf(async () => {
    const [caller, { name }] = await guardAction('viewer', Renamed, input, ANYWHERE);
    return renameSelf(caller, name);
  });
}

/** Ends a session of the caller, with what was started in it. Role: viewer. */
export async function endOwnSession(input: z.input<typeof OwnSession>): Promise<Result<null>> {
  return resultOf(async () => {
    const [caller, { ref }] = await guardAction('viewer', OwnSession, input, ANYWHERE);
    return endSession(caller, caller.userId, ref);
  });
}

/** Ends all sessions of the caller but this one. Returns how many. Role: viewer. */
export async function endOtherOwnSessions(input: z.input<typeof Nothing>): Promise<Result<number>> {
  return resultOf(async () => {
    const [caller] = await guardAction('viewer', Nothing, input, ANYWHERE);
    return endAllSessions(caller, caller.userId, caller.id);
  });
}

/** Ends a session of anybody. Role: admin. */
export async function endSessionOfPerson(input: z.input<typeof SessionOfPerson>): Promise<Result<null>> {
  return resultOf(async () => {
    const [caller, { userId, ref }] = await guardAction('admin', SessionOfPerson, input, EVERYWHERE);
    return endSession(caller, userId, ref);
  });
}

/** Ends all sessions of a person, but not the one of the caller. Returns how many. Role: admin. */
export async function endSessionsOfPerson(input: z.input<typeof Person>): Promise<Result<number>> {
  return resultOf(async () => {
    const [caller, { userId }] = await guardAction('admin', Person, input, EVERYWHERE);
    return endAllSessions(caller, userId, caller.id);
  });
}
