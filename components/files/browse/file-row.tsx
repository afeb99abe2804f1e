'use client';

import { clsx } from 'clsx';
import { type MouseEvent, memo } from 'react';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { FileName, FilePath, Visible } from '@/components/ui/visible-text';
import { sizeOf } from '@/lib/files/browse/order';
import type { EntryRow } from '@/lib/files/browse/tree';
import { parentOf, relativePath } from '@/lib/files/guest-path';
import type { Entry } from '@/lib/files/schema';
import { visibleText } from '@/lib/visible-text';
import { contentRefusal, kindName, UNADDRESSABLE } from './entry-words';
import { FileTime } from './file-time';

export const ROW_PX = 28;
export const HEADER_PX = 32;
const INDENT_PX = 16;

/** More columns appear with the width. */
export const COLUMNS =
  'grid grid-cols-[minmax(0,1fr)_60px_28px] @min-[420px]:grid-cols-[minmax(0,1fr)_60px_108px_28px] @min-[560px]:grid-cols-[minmax(0,1fr)_60px_108px_84px_28px] @min-[640px]:grid-cols-[minmax(0,1fr)_60px_108px_84px_56px_28px] items-center gap-x-3 pr-2 pl-5';
export const WIDE = 'hidden @min-[420px]:block';
export const WIDER = 'hidden @min-[560px]:block';
export const WIDEST = 'hidden @min-[640px]:block';

export type RowActions = {
  onToggle: (entry: Entry) => void;
  onChoose: (row: EntryRow, event: MouseEvent) => void;
  onGoInto: (entry: Entry) => void;
  onMark: (row: EntryRow, event: MouseEvent) => void;
  onMenu: (row: EntryRow, anchor: HTMLElement) => void;
  onPoint: (key: string | null) => void;
};

type Props = {
  row: EntryRow;
  index: number;
  top: number;
  isActive: boolean;
  isShown: boolean;
  isMarked: boolean;
  /** Deleted, but its row is held. */
  isGone: boolean;
  /** Whether files dragged over it would be uploaded to it. */
  isTarget: boolean;
  actions: RowActions;
};

/** A row of the tree. Memoized. */
export const FileRow = memo(function FileRow({ row, index, top, actions, ...is }: Props) {
  const { entry, depth, isOpen } = row;
  const size = sizeOf(entry);
  const name = visibleText(entry.name);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles keys.
    <div
      id={rowElementId(index)}
      role="row"
      data-folder={isOpen === null ? undefined : entry.path}
      aria-rowindex={index + 2}
      aria-level={depth + 1}
      aria-expanded={isOpen ?? undefined}
      aria-selected={is.isMarked}
      aria-current={is.isShown ? 'true' : undefined}
      onClick={(event) => actions.onChoose(row, event)}
      onDoubleClick={() => {
        if (isOpen === null) return;
        // Undoes the toggle of the first click.
        actions.onToggle(entry);
        actions.onGoInto(entry);
      }}
      onContextMenu={(event) => {
        const anchor = event.currentTarget.querySelector<HTMLElement>('[aria-haspopup=menu]');
        if (anchor === null || event.shiftKey) return;
        event.preventDefault();
        actions.onMenu(row, anchor);
      }}
      onPointerEnter={() => actions.onPoint(row.key)}
      onPointerLeave={() => actions.onPoint(null)}
      className={clsx(
        'group/row absolute left-0 h-[28px] w-full cursor-default select-none contain-strict',
        COLUMNS,
        is.isMarked || is.isShown ? 'bg-selected' : 'hover:bg-hover',
        is.isActive &&
          'group-focus-visible/tree:outline-2 group-focus-visible/tree:outline-accent group-focus-visible/tree:-outline-offset-2',
        is.isActive && !is.isMarked && !is.isShown && 'bg-hover',
        is.isTarget && 'outline-2 outline-accent -outline-offset-2',
        is.isGone && 'line-through opacity-60',
      )}
      style={{ top }}
    >
      <div translate="no" role="gridcell" className="flex min-w-0 items-center gap-1.5 font-mono text-small">
        <Checkbox
          tabIndex={-1}
          aria-label={`Select ${name}`}
          checked={is.isMarked}
          // onClick, because it has the Shift key.
          onChange={() => {}}
          onClick={(event) => {
            event.stopPropagation();
            actions.onMark(row, event);
          }}
          onDoubleClick={(event) => event.stopPropagation()}
          className="-ml-0.5 opacity-0 checked:opacity-100 group-hover/row:opacity-100 group-data-marking/tree:opacity-100"
        />
        <Sign entry={entry} isOpen={isOpen} depth={depth} onToggle={actions.onToggle} />
        <FileName
          name={entry.name}
          className={clsx(
            isOpen !== null && 'font-medium',
            !entry.isAddressable && 'text-ink-3',
            entry.leadsTo !== null && 'max-w-[75%] shrink-0',
          )}
        />
        {entry.leadsTo === null ? null : <Target entry={entry} />}
      </div>
      <div
        role="gridcell"
        className="text-right text-ink-2 text-small"
        title={size === null ? undefined : exactBytes(size)}
      >
        {size === null ? '–' : formatBytes(size)}
      </div>
      <div role="gridcell" className={clsx(WIDE, 'truncate text-ink-2 text-small')}>
        <FileTime ms={entry.modifiedAtMs} />
      </div>
      <div role="gridcell" className={clsx(WIDER, 'truncate font-mono text-[11px] text-ink-2')}>
        {entry.permissions}
      </div>
      <div
        role="gridcell"
        className={clsx(WIDEST, 'truncate text-ink-2 text-small')}
        title={visibleText(`${entry.owner}:${entry.group}`)}
      >
        <Visible text={entry.owner} />
      </div>
      <div role="gridcell" className="leading-none">
        <button
          type="button"
          tabIndex={-1}
          aria-haspopup="menu"
          aria-label={`Actions for ${name}`}
          title={entry.isAddressable ? undefined : UNADDRESSABLE}
          onClick={(event) => {
            event.stopPropagation();
            actions.onMenu(row, event.currentTarget);
          }}
          onDoubleClick={(event) => event.stopPropagation()}
          className="dots inline-block size-6 rounded-sm text-ink-3 opacity-0 hover:bg-line hover:text-ink group-hover/row:opacity-100 aria-expanded:opacity-100"
        />
      </div>
    </div>
  );
});

function Target({ entry: { path, linkTarget } }: { entry: Entry }) {
  return (
    <span className="flex min-w-0 items-center gap-1.5 text-ink-3">
      →{' '}
      {linkTarget === null ? (
        <span className="truncate">broken link</span>
      ) : (
        <FilePath path={relativePath(parentOf(path), linkTarget)} />
      )}
    </span>
  );
}

type SignProps = {
  entry: Entry;
  isOpen: boolean | null;
  depth: number;
  onToggle: (entry: Entry) => void;
};

function Sign({ entry, isOpen, depth, onToggle }: SignProps) {
  const marginLeft = depth * INDENT_PX;
  if (isOpen !== null)
    return (
      <span
        aria-hidden
        onClick={(event) => {
          event.stopPropagation();
          onToggle(entry);
        }}
        style={{ marginLeft: marginLeft - 4 }}
        className="-m-1 flex size-5.5 shrink-0 items-center justify-center rounded-sm text-ink-2 hover:bg-line"
      >
        <span className={clsx('icon icon-chevron size-2.5!', isOpen && 'rotate-90')} />
      </span>
    );
  const isOdd = entry.kind !== 'file' && entry.kind !== 'link';
  return (
    <span
      title={contentRefusal(entry) ?? undefined}
      style={{ marginLeft }}
      className="w-3.5 shrink-0 text-center font-sans text-[11px] text-ink-3 leading-none"
    >
      {isOdd ? <abbr title={kindName(entry)}>{kindName(entry).charAt(0)}</abbr> : null}
    </span>
  );
}

export function rowElementId(index: number): string {
  return `entry-${index}`;
}
