'use client';

import { clsx } from 'clsx';
import type { NoteRow } from '@/lib/files/browse/tree';
import { ROW_PX, rowElementId } from './file-row';

const INDENT_PX = 16;

type Props = { row: NoteRow; index: number; top: number; isActive: boolean; onShowHidden: () => void };

/** A row instead of entries, such as a loading or error message. */
export function NoteLine({ row, index, top, isActive, onShowHidden }: Props) {
  return (
    <div
      id={rowElementId(index)}
      role="row"
      aria-rowindex={index + 2}
      aria-level={row.depth + 1}
      className={clsx(
        'absolute left-0 flex w-full items-center px-2 text-ink-3 text-small',
        isActive && 'bg-hover',
      )}
      style={{ top, height: ROW_PX, paddingLeft: 60 + row.depth * INDENT_PX }}
    >
      <div role="gridcell" className="min-w-0 truncate">
        <Note note={row.note} onShowHidden={onShowHidden} />
      </div>
    </div>
  );
}

function Note({ note, onShowHidden }: { note: NoteRow['note'] } & Pick<Props, 'onShowHidden'>) {
  switch (note.kind) {
    case 'reading':
      return (
        <span role="status" className="flex items-center gap-3">
          <span className="sr-only">Reading…</span>
          <span className="h-2 w-32 animate-pulse rounded-full bg-line" />
          <span className="h-2 w-12 animate-pulse rounded-full bg-line-soft" />
        </span>
      );
    case 'empty':
      return 'Empty';
    case 'cut':
      return 'This folder has more entries than can be listed. Search by name to find the others.';
    case 'hidden':
      return (
        <>
          Only {note.count === 1 ? 'a hidden entry' : `${note.count} hidden entries`}.{' '}
          <button type="button" tabIndex={-1} onClick={onShowHidden} className="text-accent underline">
            Show
          </button>
        </>
      );
    case 'failed':
      return <span title={note.failure.message}>{note.failure.message}</span>;
  }
}
