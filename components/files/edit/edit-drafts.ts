'use client';

import type { EditableText } from '@/lib/files/edit/editable-text';
import { isReloadKept, keepTyped, takeTyped } from '@/lib/kept-text';
import type { SandboxKey } from '@/lib/sandbox-key';

/** A text that is being edited. `etag`: of the file it started from. */
export type EditDraft = { base: EditableText; etag: string; version: string; text: string };

/** `leave` stops keeping it across a reload. */
type Kept = { draft: EditDraft; leave: () => void };

/** The edited texts of this tab that are not saved. They survive another file, another page, a pause, and a reload. */
const drafts = new Map<string, Kept>();

const keyOf = (sandboxKey: SandboxKey, path: string) => `edit ${sandboxKey} ${path}`;

export function findDraft(sandboxKey: SandboxKey, path: string): EditDraft | null {
  const key = keyOf(sandboxKey, path);
  const kept = drafts.has(key) ? undefined : takeTyped(key);
  if (isDraft(kept)) keepDraft(sandboxKey, path, kept);
  return drafts.get(key)?.draft ?? null;
}

/** What is kept may have been written by an earlier version of this page. */
function isDraft(kept: unknown): kept is EditDraft {
  if (typeof kept !== 'object' || kept === null) return false;
  const { base, etag, version, text } = kept as { [Name in keyof EditDraft]?: unknown };
  if (typeof base !== 'object' || base === null) return false;
  const { text: baseText, lineEnd, hasMark } = base as { [Name in keyof EditableText]?: unknown };
  return (
    [etag, version, text, baseText].every((each) => typeof each === 'string') &&
    (lineEnd === '\n' || lineEnd === '\r\n') &&
    typeof hasMark === 'boolean'
  );
}

/** Keeps `draft` while it differs from the file that it started from. */
export function keepDraft(sandboxKey: SandboxKey, path: string, draft: EditDraft): void {
  const key = keyOf(sandboxKey, path);
  if (draft.text === draft.base.text) {
    dropDraft(sandboxKey, path);
    return;
  }
  if (drafts.size === 0) window.addEventListener('beforeunload', askBeforeLeaving);
  const leave = drafts.get(key)?.leave ?? keepTyped(key, () => drafts.get(key)?.draft);
  drafts.set(key, { draft, leave });
}

export function dropDraft(sandboxKey: SandboxKey, path: string): void {
  const key = keyOf(sandboxKey, path);
  drafts.get(key)?.leave();
  drafts.delete(key);
  if (drafts.size === 0) window.removeEventListener('beforeunload', askBeforeLeaving);
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  if (!isReloadKept()) event.preventDefault();
}
