'use client';

import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { copyText } from '@/components/ui/copy-button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Strip } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { ApiFailure } from '@/lib/api-client';
import { listingQuery } from '@/lib/files/browse/queries';
import { MAX_EDIT_BYTES, writeEditable } from '@/lib/files/edit/editable-text';
import { baseName, parentOf } from '@/lib/files/guest-path';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { versionOf } from '../preview/preview-props';
import { PreviewRefusal, PreviewSkeleton } from '../preview/preview-state';
import { languageOf } from '../preview/text/languages';
import { headKey } from '../preview/use-head';
import { ViewControls } from '../preview/view-controls';
import { dropDraft, type EditDraft, findDraft, keepDraft } from './edit-drafts';
import { openEditEditor } from './edit-editor';
import { isConflict, readForEdit, saveEdit } from './edit-file';

type Props = {
  sandboxKey: SandboxKey;
  entry: Entry;
  isLive: boolean;
  wraps: boolean;
  /** Called when the text is saved or discarded. */
  onClose: () => void;
};

/** Puts the saved version in place of the old one, which would appear for a moment otherwise. */
async function showSaved(
  client: QueryClient,
  sandboxKey: SandboxKey,
  path: string,
  saved: Entry,
): Promise<void> {
  client.setQueryData(listingQuery(sandboxKey, parentOf(path)).queryKey, (before) => {
    if (before === undefined) return before;
    const entries = before.entries.map((entry) => (entry.path === saved.path ? saved : entry));
    return { ...before, entries };
  });
  // The version of a link does not change with its target.
  await client.refetchQueries({ queryKey: headKey(sandboxKey, path) });
}

/** Edits a small text file. A version of somebody else is never overwritten without asking. */
export function EditView({ sandboxKey, entry, isLive, wraps, onClose }: Props) {
  const { path } = entry;
  const client = useQueryClient();
  const place = useRef<HTMLDivElement>(null);
  const keepEditing = useRef<HTMLButtonElement>(null);
  const [draft, setDraft] = useState<EditDraft | null>(() => findDraft(sandboxKey, path));
  const [wasKept] = useState(draft !== null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const [conflict, setConflict] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const current = useRef(draft);
  const startVersion = useRef(versionOf(entry));

  // Reads the file unless a text is kept.
  useEffect(() => {
    if (current.current !== null && attempt === 0) return;
    const leaving = new AbortController();
    const version = startVersion.current;
    readForEdit(sandboxKey, path, leaving.signal).then(
      ({ base, etag }) => {
        current.current = { base, etag, version, text: base.text };
        setDraft(current.current);
      },
      (thrown) => {
        if (!leaving.signal.aborted) setFailure(ApiFailure.from(thrown));
      },
    );
    return () => leaving.abort();
  }, [sandboxKey, path, attempt]);

  const isReady = draft !== null;
  // Another wrapping does not restart the editor, which would lose its history.
  const startWraps = useRef(wraps);
  const save = useRef(() => {});
  // The editor is an external system.
  useEffect(() => {
    const parent = place.current;
    const start = current.current;
    if (parent === null || start === null || !isReady) return;
    return openEditEditor({
      parent,
      label: `Edit ${visibleText(path)}`,
      text: start.text,
      wraps: startWraps.current,
      language: languageOf(baseName(path), start.text.slice(0, 200).split('\n')[0] ?? ''),
      onSave: () => save.current(),
      onText: (text) => {
        if (current.current === null) return;
        current.current = { ...current.current, text };
        keepDraft(sandboxKey, path, current.current);
        setDraft(current.current);
      },
    });
  }, [sandboxKey, path, isReady]);

  const isChanged = draft !== null && draft.text !== draft.base.text;

  async function write(etag: string | null) {
    const now = current.current;
    if (now === null || isSaving) return;
    setIsSaving(true);
    setFailure(null);
    setConflict(null);
    const { text } = now;
    try {
      const bytes = writeEditable(now.base, text);
      if (bytes.length > MAX_EDIT_BYTES)
        throw new ApiFailure('invalid', 'The text is larger than 1 MB. Upload it instead.');
      await showSaved(client, sandboxKey, path, await saveEdit(sandboxKey, path, bytes, etag));
      toast.success(`Saved ${baseName(path)}`);
      dropDraft(sandboxKey, path);
      onClose();
    } catch (thrown) {
      const found = ApiFailure.from(thrown);
      if (isConflict(found) && etag !== null) setConflict(found.message);
      else setFailure(found);
    } finally {
      setIsSaving(false);
    }
  }
  save.current = () => {
    if (isLive && isChanged && draft !== null) void write(draft.etag);
  };

  function discard() {
    dropDraft(sandboxKey, path);
    onClose();
  }

  if (draft === null)
    return failure === null ? (
      <PreviewSkeleton />
    ) : (
      <PreviewRefusal
        failure={failure}
        acts={
          <>
            <Button
              onClick={() => {
                setFailure(null);
                setAttempt(attempt + 1);
              }}
            >
              Try again
            </Button>
            <Button onClick={onClose}>Back to the file</Button>
          </>
        }
      />
    );
  const isOld = versionOf(entry) !== draft.version;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <ViewControls>
        <Button className="h-7!" isBusy={isSaving} onClick={discard}>
          {isChanged ? 'Discard' : 'Cancel'}
        </Button>
        <Button
          tone="primary"
          className="h-7!"
          isBusy={isSaving}
          unavailable={
            isLive ? (isChanged ? null : 'Nothing has been changed.') : 'The sandbox is not running.'
          }
          title="Save (Ctrl S)"
          onClick={() => save.current()}
        >
          {isSaving ? 'Saving…' : 'Save'}
        </Button>
      </ViewControls>
      {wasKept ? (
        <Strip tone="news" isDense>
          Your unsaved changes were kept.
        </Strip>
      ) : null}
      {isOld ? (
        <Strip isDense>
          The file has changed since you opened it. <span className="text-ink-2">Saving asks you first.</span>
        </Strip>
      ) : null}
      {failure === null ? null : (
        <Strip isDense>
          {failure.message} <span className="text-ink-2">Your text is kept.</span>
        </Strip>
      )}
      <div ref={place} className="min-h-0 flex-1 overflow-hidden" />
      <footer className="flex h-7 shrink-0 items-center gap-4 overflow-hidden whitespace-nowrap border-line border-t px-5 text-ink-3 text-small">
        <span role="status">{isChanged ? 'Unsaved changes' : 'No changes'}</span>
        {draft.base.lineEnd === '\r\n' ? <span>Windows line ends</span> : null}
        <span className="ml-auto pointer-coarse:hidden">Esc, then Tab leaves the editor</span>
      </footer>
      <ConfirmDialog
        open={conflict !== null}
        onOpenChange={(open) => {
          if (!open) setConflict(null);
        }}
        initialFocus={keepEditing}
        title="The file is not the one you opened"
        description={conflict}
        footer={
          <>
            <Button onClick={() => void copyText(draft.text, 'your text')}>Copy my text</Button>
            <Button onClick={discard}>Discard my changes</Button>
            <Button onClick={() => void write(null)}>Overwrite</Button>
            <Button ref={keepEditing} tone="primary" onClick={() => setConflict(null)}>
              Keep editing
            </Button>
          </>
        }
      >
        <p>
          Overwriting replaces what somebody else or a program has written. Your text stays in the editor
          until you save or discard it.
        </p>
      </ConfirmDialog>
    </div>
  );
}
