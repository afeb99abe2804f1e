'use client';

import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { Search } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { findNames } from '@/lib/files/find-names';
import type { Entry } from '@/lib/files/schema';
import { FilePath } from './file-name';

const MOST_FOUND = 50;

type Props = {
  isOpen: boolean;
  /** What has been read of the sandbox's files. */
  entries: () => readonly Entry[];
  onChoose: (entry: Entry) => void;
  onClose: () => void;
};

/** Opens a file by a few letters of its name, among the folders that have been looked at. */
export function QuickOpen({ isOpen, entries, onChoose, onClose }: Props) {
  const chosen = useRef<Entry | null>(null);
  return (
    <Dialog.Root
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      onOpenChangeComplete={(open) => {
        const entry = chosen.current;
        chosen.current = null;
        // Only now, with the focus back where it was.
        if (!open && entry) onChoose(entry);
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-backdrop transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          aria-label="Open a file"
          className="-translate-x-1/2 fixed top-[10vh] left-1/2 z-50 flex max-h-[min(560px,80vh)] w-[min(640px,calc(100vw-32px))] flex-col overflow-hidden rounded-lg border border-line bg-raise shadow-float outline-none transition-[opacity,scale] duration-100 data-ending-style:scale-[0.99] data-starting-style:scale-[0.99] data-ending-style:opacity-0 data-starting-style:opacity-0"
        >
          <Body
            entries={entries}
            onChoose={(entry) => {
              chosen.current = entry;
              onClose();
            }}
          />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Body({ entries, onChoose }: Pick<Props, 'entries' | 'onChoose'>) {
  const [query, setQuery] = useState('');
  // What is known when it opens; the list would move under the pointer otherwise.
  const [all] = useState(entries);
  const found = useMemo(() => findNames(all, query, MOST_FOUND), [all, query]);
  return (
    <Autocomplete.Root
      open
      inline
      mode="none"
      items={found}
      value={query}
      onValueChange={(value, { reason }) => {
        if (reason !== 'item-press') setQuery(value);
      }}
      itemToStringValue={(entry: Entry) => entry.path}
      autoHighlight="always"
      keepHighlight
    >
      <div className="flex h-12 shrink-0 items-center gap-2.5 border-line border-b px-4">
        <Search size={16} aria-hidden className="shrink-0 text-ink-3" />
        <Autocomplete.Input
          aria-label="Open a file by name"
          placeholder="A name in the folders you have opened"
          className="h-full min-w-0 flex-1 bg-transparent text-[15px] outline-none"
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
        <Autocomplete.Empty className="empty:hidden">
          <p className="px-4 py-6 text-ink-2">
            Nothing in the folders you have opened has this name. Search looks through all of them.
          </p>
        </Autocomplete.Empty>
        <Autocomplete.List className="p-1.5 empty:p-0">
          {(entry: Entry) => (
            <Autocomplete.Item
              key={entry.path}
              value={entry}
              onClick={() => onChoose(entry)}
              className="flex h-8 min-w-0 cursor-default items-center rounded-md px-2.5 font-mono text-small outline-none data-highlighted:bg-selected"
            >
              <FilePath path={entry.path} />
            </Autocomplete.Item>
          )}
        </Autocomplete.List>
      </div>
    </Autocomplete.Root>
  );
}
