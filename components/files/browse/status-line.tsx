'use client';

import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { sizeOf } from '@/lib/files/browse/order';
import { type Folder, isHidden } from '@/lib/files/browse/tree';
import type { Entry } from '@/lib/files/schema';
import { deleteRefusal } from './entry-actions';

type Props = {
  folder: Folder | null;
  showsHidden: boolean;
  onShowHidden: (shows: boolean) => void;
  marked: readonly Entry[];
  onUnmark: () => void;
  onArchive: (entries: readonly Entry[]) => void;
  onDelete: (entries: readonly Entry[]) => void;
  forbidden: string | null;
};

/** The footer of the tree: totals of the folder, or the selection and its actions. */
export function StatusLine({ folder, showsHidden, onShowHidden, marked, ...props }: Props) {
  const entries = folder?.entries ?? [];
  const hidden = entries.filter(isHidden).length;
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-t px-5 py-1 text-ink-2 text-small">
      {marked.length > 0 ? (
        <>
          <span role="status" className="text-ink">
            {marked.length} selected{bytesText(marked)}
          </span>
          <Button
            className="ml-auto h-7!"
            unavailable={props.forbidden}
            onClick={() => props.onArchive(marked)}
          >
            Download…
          </Button>
          <Button
            className="h-7!"
            unavailable={props.forbidden ?? deleteRefusal(marked)}
            onClick={() => props.onDelete(marked)}
          >
            Delete…
          </Button>
          <Button className="h-7!" onClick={props.onUnmark}>
            Clear
          </Button>
        </>
      ) : (
        <>
          {folder?.entries ? (
            <span>
              {folder.isCut ? 'First ' : ''}
              {count(entries.length, 'entry', 'entries')}
              {bytesText(entries)}
            </span>
          ) : null}
          <label className="ml-auto flex items-center gap-2">
            <Checkbox checked={showsHidden} onChange={(event) => onShowHidden(event.target.checked)} />
            Hidden files{hidden > 0 ? ` (${hidden})` : ''}
          </label>
        </>
      )}
    </div>
  );
}

/** The total size of the files, without the contents of folders. */
function bytesText(entries: readonly Entry[]): string {
  const sizes = entries.map(sizeOf).filter((size) => size !== null);
  if (sizes.length === 0) return '';
  const rest = sizes.length < entries.length ? ' in files' : '';
  return `, ${formatBytes(sizes.reduce((sum, size) => sum + size, 0))}${rest}`;
}

function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}
