'use client';

import { clsx } from 'clsx';
import { Ellipsis, Pencil, Search, Upload } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import type { SandboxKey } from '@/lib/sandbox-key';
import { Breadcrumbs } from './breadcrumbs';
import { PathInput } from './path-input';

/** Leaves room for the folder. */
const ICON_ON_PHONE = 'max-sm:w-8 max-sm:px-0!';

type Props = {
  sandboxKey: SandboxKey;
  /** `null`: unknown yet. */
  root: string | null;
  home: string;
  /** The text of the path input; `null`: closed. */
  typing: string | null;
  onTyping: (text: string | null) => void;
  onGo: (path: string, file?: string) => void;
  isSearching: boolean;
  onSearch: () => void;
  onUpload: () => void;
  onArchive: () => void;
  /** Why files cannot be read or written, or `null`. */
  forbidden: string | null;
  acts: readonly MenuAct[];
  className?: string | undefined;
};

export function FileToolbar({ root, typing, onTyping, forbidden, ...props }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const isTyping = typing !== null && root !== null;
  return (
    <div className={clsx('flex h-12 shrink-0 items-center gap-2 border-line border-b px-5', props.className)}>
      {isTyping ? (
        <PathInput
          sandboxKey={props.sandboxKey}
          folder={root}
          home={props.home}
          start={typing}
          onGo={(path, file) => {
            onTyping(null);
            props.onGo(path, file);
          }}
          onClose={() => onTyping(null)}
        />
      ) : root === null ? (
        <span className="h-2.5 w-40 animate-pulse rounded-full bg-line" />
      ) : (
        <>
          <Breadcrumbs sandboxKey={props.sandboxKey} path={root} onGo={props.onGo} />
          <button
            type="button"
            aria-label="Go to path"
            title="Go to path (/)"
            onClick={() => onTyping('')}
            className="flex size-8 shrink-0 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
          >
            <Pencil size={14} aria-hidden />
          </button>
        </>
      )}
      {isTyping ? null : (
        <div className="ml-auto flex shrink-0 items-center gap-2">
          <Button
            aria-pressed={props.isSearching}
            unavailable={forbidden}
            title="Search the sandbox by name or content"
            onClick={props.onSearch}
            className={ICON_ON_PHONE}
          >
            <Search size={15} aria-hidden className="sm:hidden" />
            <span className="max-sm:sr-only">Search</span>
          </Button>
          <Button
            unavailable={forbidden}
            title="Upload files into this folder"
            onClick={props.onUpload}
            className={ICON_ON_PHONE}
          >
            <Upload size={15} aria-hidden className="sm:hidden" />
            <span className="max-sm:sr-only">Upload…</span>
          </Button>
          <Button
            unavailable={forbidden}
            title="Download this folder as an archive"
            onClick={props.onArchive}
            className="max-md:hidden!"
          >
            Download…
          </Button>
          <button
            type="button"
            aria-label="More"
            aria-haspopup="menu"
            aria-expanded={anchor !== null}
            onPointerEnter={() => LazyMenu.preload()}
            onClick={({ currentTarget }) => setAnchor(currentTarget)}
            className="flex size-8 items-center justify-center rounded-md text-ink-2 hover:bg-hover hover:text-ink aria-expanded:bg-hover"
          >
            <Ellipsis size={16} aria-hidden />
          </button>
          <LazyMenu
            anchor={anchor}
            onClose={() => setAnchor(null)}
            acts={anchor === null ? [] : props.acts}
          />
        </div>
      )}
    </div>
  );
}
