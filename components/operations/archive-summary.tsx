import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { CopyButton } from '@/components/ui/copy-button';
import type { ItemArchive } from '@/lib/operations/schema';

/** That the files of a sandbox were saved, on one line, and the name of the archive to copy. It is made of ids. */
export function ArchiveSummary({ saved }: { saved: ItemArchive }) {
  return (
    <span title={`${saved.name}: ${exactBytes(saved.bytes)}`}>
      Saved {archiveSize(saved)}
      <CopyButton
        text={saved.name}
        label={`Copy ${saved.name}`}
        className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
      />
    </span>
  );
}

/** How much was saved: `3 entries, 1.2 KB, 1 left out`. */
export function archiveSize({ bytes, entries, leftOut }: ItemArchive): string {
  const left = leftOut === 0 ? '' : `, ${leftOut} left out`;
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${formatBytes(bytes)}${left}`;
}

/** Where the archives of an operation are. */
export function ArchiveLocation({ operationId }: { operationId: string }) {
  return (
    <p className="text-ink-2">
      Archives: <span className="break-all font-mono text-small">{operationId}/SANDBOX.tar.gz</span> in the
      export directory of the server.
    </p>
  );
}
