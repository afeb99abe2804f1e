'use client';

import { clsx } from 'clsx';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { FileName } from '@/components/ui/visible-text';
import { isOver, type Upload, type UploadState } from '@/lib/files/transfer/upload-queue';
import { visibleText } from '@/lib/visible-text';
import { ConflictDialog } from '../lazy-parts';
import { uploads } from './use-uploads';

const WORDS = {
  waiting: 'Waiting',
  sending: 'Sending',
  asking: 'Name exists',
  done: 'Uploaded',
  skipped: 'Skipped',
  cancelled: 'Cancelled',
  failed: 'Failed',
} satisfies Record<UploadState, string>;

type Props = {
  all: readonly Upload[];
  /** Why nothing can be uploaded now, or `null`. */
  forbidden: string | null;
};

export function UploadPanel({ all, forbidden }: Props) {
  const asking = all.find(({ state }) => state === 'asking') ?? null;
  return (
    <>
      {all.length === 0 ? null : (
        <section aria-label="Uploads" className="max-h-[40%] shrink-0 overflow-y-auto border-line border-t">
          <Heading all={all} />
          <ul>
            {all.map((upload) => (
              <UploadLine key={upload.id} upload={upload} forbidden={forbidden} />
            ))}
          </ul>
        </section>
      )}
      <ConflictDialog
        upload={asking}
        others={all.filter((upload) => upload.batch === asking?.batch && !isOver(upload)).length - 1}
        onClose={() => {
          if (asking) uploads().answer(asking.id, 'skip', false);
        }}
        onAnswer={(answer, forAll) => {
          if (asking) uploads().answer(asking.id, answer, forAll);
        }}
      />
    </>
  );
}

function Heading({ all }: { all: readonly Upload[] }) {
  const open = all.filter((upload) => !isOver(upload));
  const total = open.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  const sent = open.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  const done = all.filter(({ state }) => state === 'done').length;
  const failed = all.filter(({ state }) => state === 'failed').length;
  return (
    <div className="sticky top-0 flex items-center gap-3 bg-bg px-5 py-1.5">
      <p role="status" className="font-medium">
        {open.length > 0
          ? `Uploading ${open.length === 1 ? '1 file' : `${open.length} files`}, ${formatBytes(sent)} of ${formatBytes(total)}`
          : `${done === 1 ? '1 file' : `${done} files`} uploaded${failed === 0 ? '' : `, ${failed} failed`}`}
      </p>
      {open.length > 0 ? (
        <Button
          className="ml-auto h-7!"
          onClick={() => {
            for (const { id } of open) uploads().cancel(id);
          }}
        >
          Cancel all
        </Button>
      ) : (
        <Button className="ml-auto h-7!" onClick={() => uploads().clear()}>
          Clear
        </Button>
      )}
    </div>
  );
}

function UploadLine({ upload, forbidden }: { upload: Upload; forbidden: string | null }) {
  const { id, name, state, sentBytes, totalBytes, failure, folder } = upload;
  const shown = visibleText(name);
  const canRetry = state === 'failed' || state === 'cancelled';
  return (
    <li className="flex min-h-8 items-center gap-3 border-line-soft border-t px-5 py-1 text-small">
      <span translate="no" className="flex min-w-0 flex-1 font-mono" title={`To ${visibleText(folder)}`}>
        <FileName name={name} />
      </span>
      {state === 'sending' ? (
        <>
          <progress
            aria-label={`Upload of ${shown}`}
            value={sentBytes}
            max={Math.max(totalBytes, 1)}
            className="h-1.5 w-24 shrink-0"
          />
          <span className="w-28 shrink-0 text-right text-ink-2">
            {formatBytes(sentBytes)} of {formatBytes(totalBytes)}
          </span>
        </>
      ) : (
        <span
          className={clsx(
            'min-w-0 shrink truncate text-right',
            state === 'failed' ? 'text-ink' : 'text-ink-2',
          )}
          title={failure ?? undefined}
        >
          {failure === null ? WORDS[state] : `${WORDS[state]}: ${failure}`}
        </span>
      )}
      {isOver(upload) ? null : (
        <LineButton label={`Cancel the upload of ${shown}`} onClick={() => uploads().cancel(id)}>
          Cancel
        </LineButton>
      )}
      {canRetry ? (
        <LineButton
          label={`Retry the upload of ${shown}`}
          unavailable={forbidden}
          onClick={() => uploads().retry(id)}
        >
          Try again
        </LineButton>
      ) : null}
    </li>
  );
}

type LineButtonProps = {
  label: string;
  unavailable?: string | null;
  onClick: () => void;
  children: string;
};

function LineButton({ label, unavailable = null, onClick, children }: LineButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-disabled={unavailable !== null}
      title={unavailable ?? undefined}
      onClick={() => {
        if (unavailable === null) onClick();
      }}
      className="shrink-0 rounded-sm text-accent underline aria-disabled:text-ink-3 aria-disabled:no-underline"
    >
      {children}
    </button>
  );
}
