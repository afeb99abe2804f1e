'use client';

import { Autocomplete } from '@base-ui/react/autocomplete';
import { Search } from 'lucide-react';
import { useMemo, useState } from 'react';
import { ChooserDialog } from '@/components/ui/dialog';
import { FilePath } from '@/components/ui/visible-text';
import { findNames } from '@/lib/files/browse/find-names';
import type { Entry } from '@/lib/files/schema';

const MAX_FOUND = 50;

type Props = {
  isOpen: boolean;
  /** The entries of all loaded folders. */
  entries: () => readonly Entry[];
  onChoose: (entry: Entry) => void;
  onClose: () => void;
};

/** Finds a file by name in the loaded folders. */
export function QuickOpen({ isOpen, entries, onChoose, onClose }: Props) {
  return (
    <ChooserDialog<Entry> isOpen={isOpen} label="Open a file" onClose={onClose} onChosen={onChoose}>
      {(choose) => <Body entries={entries} onChoose={choose} />}
    </ChooserDialog>
  );
}

function Body({ entries, onChoose }: Pick<Props, 'entries' | 'onChoose'>) {
  const [query, setQuery] = useState('');
  // Fixed at opening, or the list would move under the pointer.
  const [all] = useState(entries);
  const found = useMemo(() => findNames(all, query, MAX_FOUND), [all, query]);
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
          placeholder="File name in the folders you have opened"
          className="h-full min-w-0 flex-1 bg-transparent text-[15px] outline-none"
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
        <Autocomplete.Empty className="empty:hidden">
          <p className="px-4 py-6 text-ink-2">
            No match in the folders you have opened. Use Search to find files in all folders.
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
