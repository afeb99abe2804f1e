'use client';

import type { EditableText } from '@/lib/files/edit/editable-text';

/** A text that is being edited. `etag`: of the file it started from. */
export type EditDraft = { base: EditableText; etag: string; version: string; text: string };

/** The edited texts of this tab that are not saved. They survive another file, another page, and a pause. */
const drafts = new Map<string, EditDraft>();

const keyOf = (sandboxId: string, path: string) => `${sandboxId} ${path}`;

export function findDraft(sandboxId: string, path: string): EditDraft | null {
  return drafts.get(keyOf(sandboxId, path)) ?? null;
}

/** Keeps `draft` while it differs from the file that it started from. */
export function keepDraft(sandboxId: string, path: string, draft: EditDraft): void {
  if (draft.text === draft.base.text) dropDraft(sandboxId, path);
  else {
    if (drafts.size === 0) window.addEventListener('beforeunload', askBeforeLeaving);
    drafts.set(keyOf(sandboxId, path), draft);
  }
}

export function dropDraft(sandboxId: string, path: string): void {
  drafts.delete(keyOf(sandboxId, path));
  if (drafts.size === 0) window.removeEventListener('beforeunload', askBeforeLeaving);
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
