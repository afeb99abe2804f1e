'use server';

import type { z } from 'zod';
import { guardAction, requireRole } from '../access/guard';
import { ANYWHERE, EVERYWHERE, mayIn } from '../grants';
import { type Result, resultOf } from '../result';
import { RenameViewInput, type SavedView, SaveViewInput, StartViewInput, ViewId } from './schema';
import { deleteView, listViews, renameView, saveView, setStartView } from './store';

/** Saves a filter under a name and returns all views. A view for the team needs the operator role. Role: viewer. */
export async function saveOneView(input: z.input<typeof SaveViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const [session, view] = await guardAction('viewer', SaveViewInput, input, ANYWHERE);
    if (view.isShared) requireRole(session, 'operator', ANYWHERE);
    await saveView(session.userId, view);
    return listViews(session);
  });
}

/** Renames a view of the caller, or a shared one for an admin, and returns all views. Role: viewer. */
export async function renameOneView(input: z.input<typeof RenameViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const [session, { id, name }] = await guardAction('viewer', RenameViewInput, input, ANYWHERE);
    await renameView(session.userId, mayIn(session.grants, 'admin', EVERYWHERE), id, name);
    return listViews(session);
  });
}

/** Deletes a view of the caller, or a shared one for an admin, and returns the rest. Role: viewer. */
export async function deleteOneView(input: z.input<typeof ViewId>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const [session, { id }] = await guardAction('viewer', ViewId, input, ANYWHERE);
    await deleteView(session.userId, mayIn(session.grants, 'admin', EVERYWHERE), id);
    return listViews(session);
  });
}

/** Chooses the start page of the caller and returns all views. Role: viewer. */
export async function chooseStartView(input: z.input<typeof StartViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const [session, { id }] = await guardAction('viewer', StartViewInput, input, ANYWHERE);
    await setStartView(session, id);
    return listViews(session);
  });
}
