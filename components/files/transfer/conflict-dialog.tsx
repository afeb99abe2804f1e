'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { ConfirmDialog } from '@/components/ui/dialog';
import { LocalTime } from '@/components/ui/local-time';
import { FilePath } from '@/components/ui/visible-text';
import { sizeOf } from '@/lib/files/browse/order';
import { type ConflictAnswer, isPossible, type Upload } from '@/lib/files/transfer/upload-queue';
import { visibleText } from '@/lib/sandbox/visible-name';
import { kindName } from '../browse/entry-words';

type Props = {
  /** The one that is asked about; `null` closes it. */
  upload: Upload | null;
  /** How many others were chosen with it and are not there yet. */
  others: number;
  onAnswer: (answer: ConflictAnswer, forAll: boolean) => void;
  onClose: () => void;
};

/** Asks what is to happen where there is something of the same name already. */
export function ConflictDialog({ upload, others, onAnswer, onClose }: Props) {
  const [forAll, setForAll] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  // It goes on showing what it was about while it fades out.
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
          There is a {existing === null ? 'file' : kindName(existing)} called <bdi>{visibleText(name)}</bdi>{' '}
          already
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
            unavailable={isPossible('replace', existing) ? null : 'A file does not replace a folder.'}
            onClick={() => answer('replace')}
          >
            Replace
          </Button>
        </>
      }
    >
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1">
        <dt className="text-ink-3">There</dt>
        <dd>
          {size === null ? null : `${formatBytes(size)}, `}
          {existing === null ? 'it came there a moment ago' : <LocalTime ms={existing.modifiedAtMs} />}
        </dd>
        <dt className="text-ink-3">Yours</dt>
        <dd>{formatBytes(totalBytes)}</dd>
      </dl>
      <p className="text-ink-2">Replacing it cannot be undone. Keeping both gives yours a number.</p>
      {others > 0 ? (
        <label className="flex items-center gap-2">
          <Checkbox checked={forAll} onChange={(event) => setForAll(event.target.checked)} />
          Do the same wherever else this happens ({others} more)
        </label>
      ) : null}
    </ConfirmDialog>
  );
}
