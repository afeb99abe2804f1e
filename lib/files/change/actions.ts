'use server';

import { z } from 'zod';
import { guardAction } from '../../access/guard';
import { onSandbox } from '../../grants';
import { type Result, resultOf } from '../../result';
import { SandboxKey } from '../../sandbox-key';
import { type Entry, GuestPath, GuestPaths } from '../schema';
import { createFolder, type Deletion, deleteAll, renameAt } from './change';
import { EntryName } from './names';

const NewFolder = z.strictObject({ sandboxKey: SandboxKey, folder: GuestPath, name: EntryName });
const Renaming = z.strictObject({ sandboxKey: SandboxKey, path: GuestPath, name: EntryName });
const Deleting = z.strictObject({ sandboxKey: SandboxKey, paths: GuestPaths });

/** Creates a folder in a running sandbox. Role: operator. */
export async function makeFolder(input: z.input<typeof NewFolder>): Promise<Result<Entry>> {
  return resultOf(async () => {
    const [session, { sandboxKey, folder, name }] = await guardAction(
      'operator',
      NewFolder,
      input,
      onSandbox,
    );
    return createFolder(session, sandboxKey, folder, name);
  });
}

/** Renames an entry in a running sandbox. Role: operator. */
export async function renameEntry(input: z.input<typeof Renaming>): Promise<Result<Entry>> {
  return resultOf(async () => {
    const [session, { sandboxKey, path, name }] = await guardAction('operator', Renaming, input, onSandbox);
    return renameAt(session, sandboxKey, path, name);
  });
}

/** Deletes entries in a running sandbox. Role: operator. */
export async function deleteEntries(input: z.input<typeof Deleting>): Promise<Result<Deletion>> {
  return resultOf(async () => {
    const [session, { sandboxKey, paths }] = await guardAction('operator', Deleting, input, onSandbox);
    return deleteAll(session, sandboxKey, paths);
  });
}
