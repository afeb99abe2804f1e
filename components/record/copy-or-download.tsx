'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import { toast } from '@/components/ui/toast';
import type { RecordFormat } from '@/lib/operations/record/record-file';
import type { Operation, RecordedItem } from '@/lib/operations/schema';

type Props = { operation: Operation; items: readonly RecordedItem[]; isWhole: boolean };

const NAMES = { csv: 'CSV', json: 'JSON' } satisfies Record<RecordFormat, string>;

export function CopyOrDownload({ operation, items, isWhole }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const copyAct = (format: RecordFormat): MenuAct => ({
    label: `Copy as ${NAMES[format]}`,
    onActivate: () => void copy(format, operation, items),
    disabledReason: isWhole ? null : 'Still loading the sandboxes.',
  });
  const downloadAct = (format: RecordFormat): MenuAct => ({
    label: `Download ${NAMES[format]}`,
    onActivate: () => void download(format, operation.id),
  });
  return (
    <>
      <Button
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onPointerEnter={() => LazyMenu.preload()}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
      >
        Copy or download
      </Button>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={[
          downloadAct('csv'),
          downloadAct('json'),
          { ...copyAct('csv'), separated: true },
          copyAct('json'),
        ]}
      />
    </>
  );
}

async function copy(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): Promise<void> {
  try {
    await navigator.clipboard.writeText(await textOf(format, operation, items));
    toast.success(
      `Copied ${items.length === 1 ? '1 result' : `${items.length} results`} as ${NAMES[format]}`,
    );
  } catch {
    toast.error('The browser does not allow copying', { description: 'Download the file instead.' });
  }
}

/** The output of commands is fetched, because only the server has it. */
async function textOf(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): Promise<string> {
  const { recordAddress, recordText } = await import('@/lib/operations/record/record-file');
  if (operation.act !== 'run') return recordText(format, operation, items);
  const response = await fetch(recordAddress(format, operation.id), { cache: 'no-store' });
  if (!response.ok) throw new Error(`The results could not be read: ${response.status}`);
  return response.text();
}

async function download(format: RecordFormat, operationId: string): Promise<void> {
  const { recordAddress } = await import('@/lib/operations/record/record-file');
  const link = document.createElement('a');
  link.href = recordAddress(format, operationId);
  link.download = '';
  link.click();
}
