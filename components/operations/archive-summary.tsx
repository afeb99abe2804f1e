import type { ReactNode } from 'react';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { CopyButton } from '@/components/ui/copy-button';
import { archiveAddress } from '@/lib/operations/archive/archive-path';
import type { ItemArchive } from '@/lib/operations/schema';
import { type Role, roleSuffices } from '@/lib/roles';
import { visibleText } from '@/lib/visible-text';

type Props = {
  saved: ItemArchive;
  /** Why it cannot be downloaded, or `null`. */
  reason: string | null;
};

export function ArchiveSummary({ saved, reason }: Props) {
  return (
    <span title={`${visibleText(saved.name)}: ${exactBytes(saved.bytes)}`}>
      <ArchiveLink saved={saved} reason={reason}>
        Archived {archiveSize(saved)}
      </ArchiveLink>
      <CopyButton
        text={saved.name}
        label={`Copy ${saved.name}`}
        className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
      />
    </span>
  );
}

/** A link that downloads an archive, or its text if that is not possible. */
export function ArchiveLink({ saved, reason, children }: Props & { children: ReactNode }) {
  const address = archiveAddress(saved.name);
  if (address === null || reason !== null) return <span title={reason ?? undefined}>{children}</span>;
  return (
    <a
      href={address}
      download
      title={`Download ${visibleText(saved.name)}`}
      className="text-accent underline underline-offset-2"
    >
      {children}
    </a>
  );
}

/** Why a role may not download archives, or `null`. */
export function archiveForbidden(role: Role): string | null {
  return roleSuffices(role, 'operator') ? null : 'Requires the operator role.';
}

/** `3 entries, 1.2 KB, 1 omitted`. */
export function archiveSize({ bytes, entries, leftOut }: ItemArchive): string {
  const omitted = leftOut === 0 ? '' : `, ${leftOut} omitted`;
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${formatBytes(bytes)}${omitted}`;
}

export function ArchiveLocation({ operationId }: { operationId: string }) {
  return (
    <p className="text-ink-2">
      Archives are listed below, and lie as{' '}
      <span translate="no" className="break-all font-mono text-small">
        {operationId}/SANDBOX.tar.gz
      </span>{' '}
      in the archive directory of the server.
    </p>
  );
}
