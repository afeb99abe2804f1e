'use server';

import type { z } from 'zod';
import { guardWrite, requireRole } from '../access/guard';
import { parseInput } from '../access/input';
import { roleSuffices } from '../access/roles';
import { type Result, resultOf } from '../result';
import { RenameViewInput, type SavedView, SaveViewInput, StartViewInput, ViewId } from './schema';
import { deleteView, listViews, renameView, saveView, setStartView } from './store';

/** Saves a filter under a name and returns all views. A view for the team needs the operator role. Role: viewer. */
export async function saveOneView(input: z.input<typeof SaveViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const session = await guardWrite('viewer');
    const view = parseInput(SaveViewInput, input);
    if (view.isShared) requireRole(session, 'operator');
    await saveView(session.actor, view);
    return listViews(session.actor);
  });
}

/** Renames a view of the caller, or a shared one for an admin, and returns all views. Role: viewer. */
export async function renameOneView(input: z.input<typeof RenameViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const { actor, role } = await guardWrite('viewer');
    const { id, name } = parseInput(RenameViewInput, input);
    await renameView(actor, roleSuffices(role, 'admin'), id, name);
    return listViews(actor);
  });
}

/** Deletes a view of the caller, or a shared one for an admin, and returns the rest. Role: viewer. */
export async function deleteOneView(input: z.input<typeof ViewId>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const { actor, role } = await guardWrite('viewer');
    const { id } = parseInput(ViewId, input);
    await deleteView(actor, roleSuffices(role, 'admin'), id);
    return listViews(actor);
  });
}

/** Chooses the start page of the caller and returns all views. Role: viewer. */
export async function chooseStartView(input: z.input<typeof StartViewInput>): Promise<Result<SavedView[]>> {
  return resultOf(async () => {
    const { actor } = await guardWrite('viewer');
    const { id } = parseInput(StartViewInput, input);
    await setStartView(actor, id);
    return listViews(actor);
  });
}
