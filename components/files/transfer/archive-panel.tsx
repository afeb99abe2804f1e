'use client';

import { formatBytes } from '@/components/ui/bytes';
import { FileName } from '@/components/ui/visible-text';
import type { ArchiveDownload } from '@/lib/files/transfer/archive/downloads';
import { visibleText } from '@/lib/visible-text';
import { dismissArchive } from './use-archives';

/** The progress of archives on the server. The browser shows the downloads. */
export function ArchivePanel({ all }: { all: readonly ArchiveDownload[] }) {
  if (all.length === 0) return null;
  return (
    <section aria-label="Archives" className="max-h-[30%] shrink-0 overflow-y-auto border-line border-t">
      <ul>
        {all.map((archive) => (
          <ArchiveLine key={archive.token} archive={archive} />
        ))}
      </ul>
    </section>
  );
}

function ArchiveLine({ archive }: { archive: ArchiveDownload }) {
  const { token, name, total, count, state } = archive;
  const hasProgress = state === 'sending' && count !== null && total !== null && !total.isCut;
  return (
    <li className="flex min-h-9 items-center gap-3 border-line-soft px-5 py-1.5 text-small not-first:border-t">
      <span translate="no" className="flex min-w-0 max-w-[40%] shrink font-mono">
        <FileName name={name} />
      </span>
      {hasProgress ? (
        <progress
          aria-label={`Archive of ${visibleText(name)}`}
          value={Math.min(count.bytes, total.bytes)}
          max={Math.max(total.bytes, 1)}
          className="h-1.5 w-20 shrink-0"
        />
      ) : null}
      <span role="status" className="min-w-0 flex-1 text-right text-ink-2">
        {archiveText(archive)}
      </span>
      <button
        type="button"
        aria-label={`Dismiss the archive of ${visibleText(name)}`}
        title="The download continues"
        onClick={() => dismissArchive(token)}
        className="shrink-0 rounded-sm text-accent underline"
      >
        Dismiss
      </button>
    </li>
  );
}

function archiveText({ state, count, total, failure }: ArchiveDownload): string {
  if (state === 'requested') return 'Download started';
  if (state === 'broken') return `Failed: ${failure}`;
  if (count === null) return 'Starting…';
  const of = total === null || total.isCut ? '' : ` of ${formatBytes(total.bytes)}`;
  const many = count.files === 1 ? '1 file' : `${count.files.toLocaleString('en')} files`;
  if (state === 'sending') return `Packing: ${many}, ${formatBytes(count.bytes)}${of}`;
  const leftOut =
    count.leftOut === 0 ? '' : `, ${count.leftOut.toLocaleString('en')} left out: see LEFT-OUT.txt`;
  const result = count.isCut ? 'Stopped at the limit' : count.fault === null ? 'Packed' : 'Incomplete';
  return `${result}: ${many}, ${formatBytes(count.bytes)}${leftOut}`;
}
