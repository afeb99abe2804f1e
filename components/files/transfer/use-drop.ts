'use client';

import { type DragEvent, useRef, useState } from 'react';
import { toast } from '@/components/ui/toast';

type Options = {
  /** The default target. */
  folder: string | null;
  isAllowed: boolean;
  onFiles: (folder: string, files: File[]) => void;
};

export function useDrop({ folder, isAllowed, onFiles }: Options) {
  const [target, setTarget] = useState<string | null>(null);
  // Counts nested elements: entering a child also fires a leave.
  const depth = useRef(0);
  const holdsFiles = (event: DragEvent) => isAllowed && event.dataTransfer.types.includes('Files');

  const handlers = {
    onDragEnter: (event: DragEvent) => {
      if (holdsFiles(event)) depth.current += 1;
    },
    onDragOver: (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      setTarget(folderUnder(event) ?? folder);
    },
    onDragLeave: (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      depth.current -= 1;
      if (depth.current <= 0) setTarget(null);
    },
    onDrop: (event: DragEvent) => {
      depth.current = 0;
      setTarget(null);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      const into = folderUnder(event) ?? folder;
      const { files, folders } = filesIn(event.dataTransfer);
      if (folders > 0)
        toast.message('Folders cannot be uploaded', { description: 'Drop the files inside them instead.' });
      if (into !== null && files.length > 0) onFiles(into, files);
    },
  };
  return { target, handlers };
}

function folderUnder({ target }: DragEvent): string | null {
  const row = target instanceof Element ? target.closest<HTMLElement>('[data-folder]') : null;
  return row?.dataset.folder ?? null;
}

function filesIn(data: DataTransfer): { files: File[]; folders: number } {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry()?.isDirectory === true;
  const files = items.filter((item) => !isFolder(item)).flatMap((item) => item.getAsFile() ?? []);
  return { files, folders: items.filter(isFolder).length };
}
