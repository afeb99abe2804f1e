'use client';

import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { isFolder } from '@/lib/files/browse/order';
import { sizeQuery } from '@/lib/files/browse/queries';
import { deleteEntries } from '@/lib/files/change/actions';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { kindName } from '../browse/entry-words';
import { sizeText } from '../browse/file-facts';
import { PathList } from '../path-list';

type Props = {
  sandboxKey: SandboxKey;
  /** `null` closes it. */
  entries: readonly Entry[] | null;
  /** Why nothing can be changed now, or `null`. */
  forbidden: string | null;
  onDone: (entries: readonly Entry[]) => void;
  onClose: () => void;
};

/** Asks before entries are deleted, and says how much is in them. */
export function DeleteDialog({ sandboxKey, entries, forbidden, onDone, onClose }: Props) {
  const shown = useLastAsked(entries) ?? [];
  const cancel = useRef<HTMLButtonElement>(null);
  const [isSending, setIsSending] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [only, ...others] = shown;
  const paths = shown.map(({ path }) => path);
  const hasFolder = shown.some((entry) => entry.kind === 'directory' && isFolder(entry));
  const size = useQuery({ ...sizeQuery(sandboxKey, paths), enabled: entries !== null && hasFolder });

  function close() {
    setRefusal(null);
    onClose();
  }

  async function remove() {
    setIsSending(true);
    setRefusal(null);
    const result = await answerOf(deleteEntries({ sandboxKey, paths }));
    setIsSending(false);
    if (!result?.ok) {
      setRefusal(
        result?.error.message ?? 'The server could not be reached. Look at the folder before you try again.',
      );
      return;
    }
    const { deleted, failures } = result.value;
    onDone(shown);
    if (failures.length > 0) {
      const more = failures.length > 3 ? ` And ${failures.length - 3} more.` : '';
      const reasons = failures.slice(0, 3).map(({ message }) => message);
      setRefusal(`Deleted ${deleted} of ${paths.length}. ${reasons.join(' ')}${more}`);
      return;
    }
    toast.success(others.length === 0 ? `Deleted ${only?.name ?? ''}` : `Deleted ${deleted} items`);
    close();
  }

  return (
    <ConfirmDialog
      open={entries !== null}
      onOpenChange={(open) => {
        if (!open && !isSending) close();
      }}
      initialFocus={cancel}
      title={
        only !== undefined && others.length === 0 ? (
          <>
            Delete the {kindName(only)} <Visible text={only.name} />?
          </>
        ) : (
          `Delete ${shown.length} items?`
        )
      }
      description="This cannot be undone."
      footer={
        <>
          <Button ref={cancel} isBusy={isSending} onClick={close}>
            Cancel
          </Button>
          <Button tone="primary" isBusy={isSending} unavailable={forbidden} onClick={() => void remove()}>
            {isSending ? 'Deleting…' : 'Delete'}
          </Button>
        </>
      }
    >
      <PathList paths={paths} />
      {hasFolder ? (
        <p role="status">
          {size.isFetching
            ? 'Counting what is in it…'
            : size.data
              ? `${sizeText(size.data)} in all`
              : 'Folders are deleted with everything in them.'}
        </p>
      ) : null}
      {shown.some(({ kind }) => kind === 'link') ? (
        <p className="text-ink-2">A link is deleted without its target.</p>
      ) : null}
      {refusal === null ? null : <Alert>{refusal}</Alert>}
    </ConfirmDialog>
  );
}
