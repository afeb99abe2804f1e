import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { CopyButton } from '@/components/ui/copy-button';
import type { ItemArchive } from '@/lib/operations/schema';
import { visibleText } from '@/lib/visible-text';

export function ArchiveSummary({ saved }: { saved: ItemArchive }) {
  return (
    <span title={`${visibleText(saved.name)}: ${exactBytes(saved.bytes)}`}>
      Archived {archiveSize(saved)}
      <CopyButton
        text={saved.name}
        label={`Copy ${saved.name}`}
        className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
      />
    </span>
  );
}

/** `3 entries, 1.2 KB, 1 omitted`. */
export function archiveSize({ bytes, entries, leftOut }: ItemArchive): string {
  const omitted = leftOut === 0 ? '' : `, ${leftOut} omitted`;
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${formatBytes(bytes)}${omitted}`;
}

export function ArchiveLocation({ operationId }: { operationId: string }) {
  return (
    <p className="text-ink-2">
      Archives: <span className="break-all font-mono text-small">{operationId}/SANDBOX.tar.gz</span> in the
      archive directory of the server.
    </p>
  );
}
