'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { ConfirmDialog } from '@/components/ui/dialog';
import { LocalTime } from '@/components/ui/local-time';
import { FilePath, Visible } from '@/components/ui/visible-text';
import { sizeOf } from '@/lib/files/browse/order';
import { type ConflictAnswer, isPossible, type Upload } from '@/lib/files/transfer/upload-queue';
import { kindName } from '../browse/entry-words';

type Props = {
  /** The upload in conflict; `null` closes it. */
  upload: Upload | null;
  /** How many unfinished uploads share its batch. */
  others: number;
  onAnswer: (answer: ConflictAnswer, forAll: boolean) => void;
  onClose: () => void;
};

export function ConflictDialog({ upload, others, onAnswer, onClose }: Props) {
  const [forAll, setForAll] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  // Keeps the content while it fades out.
  const [last, setLast] = useState(upload);
  if (upload !== null && upload !== last) setLast(upload);
  const { name = '', folder = '', totalBytes = 0, existing = null } = upload ?? last ?? {};
  const size = existing === null ? null : sizeOf(existing);
  const answer = (chosen: ConflictAnswer) => onAnswer(chosen, forAll && others > 0);
  return (
    <ConfirmDialog
      open={upload !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={keep}
      title={
        <>
          A {existing === null ? 'file' : kindName(existing)} named <Visible text={name} /> already exists
        </>
      }
      description={
        <span className="flex min-w-0">
          <FilePath path={folder} className="font-mono text-small" />
        </span>
      }
      footer={
        <>
          <Button onClick={() => answer('skip')}>Skip</Button>
          <Button ref={keep} onClick={() => answer('keep')}>
            Keep both
          </Button>
          <Button
            tone="primary"
            unavailable={isPossible('replace', existing) ? null : 'A file cannot replace a folder.'}
            onClick={() => answer('replace')}
          >
            Replace
          </Button>
        </>
      }
    >
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1">
        <dt className="text-ink-3">Existing</dt>
        <dd>
          {size === null ? null : `${formatBytes(size)}, `}
          {existing === null ? 'just created' : <LocalTime ms={existing.modifiedAtMs} />}
        </dd>
        <dt className="text-ink-3">New</dt>
        <dd>{formatBytes(totalBytes)}</dd>
      </dl>
      <p className="text-ink-2">Replacing cannot be undone. Keeping both adds a number to the new name.</p>
      {others > 0 ? (
        <label className="flex items-center gap-2">
          <Checkbox checked={forAll} onChange={(event) => setForAll(event.target.checked)} />
          Apply to all conflicts ({others} more)
        </label>
      ) : null}
    </ConfirmDialog>
  );
}
