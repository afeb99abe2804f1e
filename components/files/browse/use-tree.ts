'use client';

import { useCallback, useMemo, useState } from 'react';
import type { Order } from '@/lib/files/browse/order';
import { type Folder, treeRows } from '@/lib/files/browse/tree';
import { ancestorsOf, isWithin } from '@/lib/files/guest-path';
import { useFolders } from './use-folders';

/** What was unfolded in which sandbox, for as long as the tab is there. */
const remembered = new Map<string, ReadonlySet<string>>();

type Options = {
  sandboxId: string;
  /** `null`: not known yet. */
  root: string | null;
  /** What is shown beside the tree; the folders that lead to it are unfolded. */
  file: string | null;
  order: Order;
  showsHidden: boolean;
  isReadable: boolean;
};

/** The tree below `root`: its rows, and which folders of it are unfolded. */
export function useTree({ sandboxId, root, file, order, showsHidden, isReadable }: Options) {
  const [open, setOpen] = useState<ReadonlySet<string>>(
    () => new Set([...(remembered.get(sandboxId) ?? []), ...foldersTo(file, root)]),
  );
  const [wanted, setWanted] = useState(file);
  // Another file from a link, a finding, or a step back: the way to it is unfolded once, and may be folded again.
  const [followed, setFollowed] = useState({ file, root });
  if (followed.file !== file || followed.root !== root) {
    setFollowed({ file, root });
    if (followed.file !== file || followed.root === null) {
      const way = foldersTo(file, root).filter((path) => !open.has(path));
      if (way.length > 0) setOpen(new Set([...open, ...way]));
      if (file !== null) setWanted(file);
    }
  }

  const listed = useMemo(() => (root === null ? [] : [root, ...shownFolders(root, open)]), [root, open]);
  const folders = useFolders(sandboxId, listed, isReadable);
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
        remembered.set(sandboxId, next);
        return next;
      }),
    [sandboxId],
  );
  const found = useCallback(() => setWanted(null), []);
  const top: Folder | null = root === null ? null : (folders.get(root) ?? null);
  return {
    rows,
    /** What the person asked to see, as a text. */
    asked: `${root} ${key} ${direction} ${showsHidden} ${[...open].join('\0')}`,
    top,
    folders,
    listed,
    fold,
    wanted,
    /** Goes to the row of `path` as soon as it is there. */
    want: setWanted,
    found,
  };
}

/** The folders between `root` and `file`. */
function foldersTo(file: string | null, root: string | null): string[] {
  if (file === null || root === null || !isWithin(file, root)) return [];
  return ancestorsOf(file).filter((path) => path !== root && isWithin(path, root));
}

/** Those of `open` that can be seen below `root`: everything on the way to them is unfolded too. */
function shownFolders(root: string, open: ReadonlySet<string>): string[] {
  return [...open].filter(
    (path) =>
      path !== root && isWithin(path, root) && foldersTo(path, root).every((above) => open.has(above)),
  );
}
