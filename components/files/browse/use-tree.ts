'use client';

import { useCallback, useMemo, useState } from 'react';
import type { Order } from '@/lib/files/browse/order';
import { type Folder, treeRows } from '@/lib/files/browse/tree';
import { ancestorsOf, isWithin } from '@/lib/files/guest-path';
import type { SandboxKey } from '@/lib/sandbox-key';
import { useFolders } from './use-folders';

/** The unfolded folders of each sandbox, for the life of the tab. */
const remembered = new Map<string, ReadonlySet<string>>();

type Options = {
  sandboxKey: SandboxKey;
  /** `null`: unknown yet. */
  root: string | null;
  /** The open entry. Its ancestors are unfolded. */
  file: string | null;
  order: Order;
  showsHidden: boolean;
  isReadable: boolean;
};

/** The rows of the tree below `root` and its unfolded folders. */
export function useTree({ sandboxKey, root, file, order, showsHidden, isReadable }: Options) {
  const [open, setOpen] = useState<ReadonlySet<string>>(
    () => new Set([...(remembered.get(sandboxKey) ?? []), ...foldersTo(file, root)]),
  );
  const [wanted, setWanted] = useState(file);
  // A newly opened file: unfolds its ancestors once. They may be folded again.
  const [followed, setFollowed] = useState({ file, root });
  if (followed.file !== file || followed.root !== root) {
    setFollowed({ file, root });
    if (followed.file !== file || followed.root === null) {
      const ancestors = foldersTo(file, root).filter((path) => !open.has(path));
      if (ancestors.length > 0) setOpen(new Set([...open, ...ancestors]));
      if (file !== null) setWanted(file);
    }
  }

  const listed = useMemo(() => (root === null ? [] : [root, ...shownFolders(root, open)]), [root, open]);
  const folders = useFolders(sandboxKey, listed, isReadable);
  const { key, direction } = order;
  const rows = useMemo(
    () => (root === null ? [] : treeRows({ root, folders, open, order: { key, direction }, showsHidden })),
    [root, folders, open, key, direction, showsHidden],
  );

  const fold = useCallback(
    (path: string, isOpen: boolean) =>
      setOpen((now) => {
        const next = new Set(now);
        if (isOpen) next.add(path);
        else next.delete(path);
        remembered.set(sandboxKey, next);
        return next;
      }),
    [sandboxKey],
  );
  const found = useCallback(() => setWanted(null), []);
  const top: Folder | null = root === null ? null : (folders.get(root) ?? null);
  return {
    rows,
    /** Identifies the requested view. */
    request: `${root} ${key} ${direction} ${showsHidden} ${[...open].join('\0')}`,
    top,
    folders,
    listed,
    fold,
    wanted,
    /** Scrolls to the row of `path` once it exists. */
    want: setWanted,
    found,
  };
}

function foldersTo(file: string | null, root: string | null): string[] {
  if (file === null || root === null || !isWithin(file, root)) return [];
  return ancestorsOf(file).filter((path) => path !== root && isWithin(path, root));
}

/** The folders of `open` below `root` whose ancestors are all unfolded. */
function shownFolders(root: string, open: ReadonlySet<string>): string[] {
  return [...open].filter(
    (path) =>
      path !== root && isWithin(path, root) && foldersTo(path, root).every((above) => open.has(above)),
  );
}
