'use client';

import { Download, Ellipsis } from 'lucide-react';
import { type Ref, useState } from 'react';
import { Button, IconButton } from '@/components/ui/button';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { CopyButton } from '@/components/ui/copy-button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import { FilePath, Visible } from '@/components/ui/visible-text';
import type { PreviewView } from '@/lib/files/preview/views';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { downloadFile } from '../browse/entry-actions';
import { FileTime } from '../browse/file-time';
import { VIEW_NAMES } from './views';

type Props = {
  sandboxKey: SandboxKey;
  entry: Entry;
  /** `null`: unknown yet. */
  sizeBytes: number | null;
  /** `null`: the view cannot be changed now. */
  views: readonly PreviewView[] | null;
  view: PreviewView | null;
  onView: (view: PreviewView) => void;
  acts: readonly MenuAct[];
  /** Why the file cannot be edited, or `null`. `undefined`: it has no text. */
  editRefusal: string | null | undefined;
  onEdit: () => void;
  /** Holds the controls of the view. */
  slotRef: Ref<HTMLElement>;
};

export function PreviewBar({
  sandboxKey,
  entry,
  sizeBytes,
  views,
  view,
  onView,
  acts,
  slotRef,
  ...edit
}: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <header className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-5 py-1.5">
      <h2 translate="no" className="flex min-w-0 max-w-full items-center font-mono text-small">
        <FilePath path={entry.path} />
        <CopyButton text={entry.path} label="Copy path" />
      </h2>
      {/* One line: the last ones are left out where there is no room. */}
      <p className="flex h-[1lh] min-w-0 flex-1 basis-32 flex-wrap gap-x-1.5 overflow-hidden whitespace-nowrap text-ink-3 text-small">
        {sizeBytes === null ? null : <span title={exactBytes(sizeBytes)}>{formatBytes(sizeBytes)}</span>}
        <span>
          {sizeBytes === null ? null : <span aria-hidden>· </span>}
          <FileTime ms={entry.modifiedAtMs} />
        </span>
        <span title={visibleText(`${entry.permissions} ${entry.owner}`)}>
          <span aria-hidden>· </span>
          <span translate="no" className="inline-block max-w-56 truncate align-bottom font-mono">
            {entry.permissions} <Visible text={entry.owner} />
          </span>
        </span>
      </p>
      <div className="flex min-w-0 flex-wrap items-center gap-1">
        <span ref={slotRef} className="contents" />
        {views === null ? null : (
          <fieldset className="flex overflow-hidden rounded-md border border-line">
            <legend className="sr-only">Show as</legend>
            {[...views, 'details' as const].map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={each === view}
                onClick={() => onView(each)}
                className="h-7 border-line border-l px-2.5 text-ink-2 first-of-type:border-l-0 hover:bg-hover -outline-offset-2 aria-pressed:bg-selected aria-pressed:font-medium aria-pressed:text-accent"
              >
                {VIEW_NAMES[each]}
              </button>
            ))}
          </fieldset>
        )}
        {/* They stay together where they do not fit beside the views. */}
        <span className="flex items-center gap-1">
          {edit.editRefusal === undefined ? null : (
            <Button className="ml-1 h-7!" unavailable={edit.editRefusal} onClick={edit.onEdit}>
              Edit
            </Button>
          )}
          <IconButton label="Download" className="ml-1" onClick={() => downloadFile(sandboxKey, entry.path)}>
            <Download size={16} aria-hidden />
          </IconButton>
          <button
            type="button"
            aria-label="More actions"
            aria-haspopup="menu"
            aria-expanded={anchor !== null}
            onPointerEnter={() => LazyMenu.preload()}
            onClick={({ currentTarget }) => setAnchor(currentTarget)}
            className="flex size-7 items-center justify-center rounded-md text-ink-2 hover:bg-hover hover:text-ink aria-expanded:bg-hover"
          >
            <Ellipsis size={16} aria-hidden />
          </button>
        </span>
        <LazyMenu
          anchor={anchor}
          onClose={() => setAnchor(null)}
          acts={anchor === null ? [] : acts.filter(({ label }) => label !== 'Open')}
        />
      </div>
    </header>
  );
}
