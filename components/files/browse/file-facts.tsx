'use client';

import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Button } from '@/components/ui/button';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { CopyButton } from '@/components/ui/copy-button';
import { LocalTime } from '@/components/ui/local-time';
import { FileName, FilePath, Visible } from '@/components/ui/visible-text';
import { ApiFailure } from '@/lib/api-client';
import { isFolder, sizeOf } from '@/lib/files/browse/order';
import { sizeQuery } from '@/lib/files/browse/queries';
import type { Entry, FolderSize } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { kindName } from './entry-words';

type Props = {
  sandboxKey: SandboxKey;
  entry: Entry;
  /** Why a folder cannot be measured, or `null`. */
  forbidden: string | null;
  actions?: ReactNode;
  children?: ReactNode;
};

export function FileFacts({ sandboxKey, entry, forbidden, actions, children }: Props) {
  const size = sizeOf(entry);
  return (
    <section aria-label="Details" className="min-h-0 flex-1 overflow-y-auto p-5">
      <div className="mb-4 flex flex-wrap items-center gap-3">
        <h2 translate="no" className="flex min-w-0 flex-1 basis-60 items-center gap-1 font-mono text-title">
          <FileName name={entry.name} />
        </h2>
        <div className="flex flex-wrap gap-2">{actions}</div>
      </div>
      {children}
      <dl className="max-w-2xl overflow-hidden rounded-md border border-line bg-surface">
        <Fact name="Path">
          <span translate="no" className="flex min-w-0 items-center gap-1 font-mono text-small">
            <span className="min-w-0 whitespace-pre-wrap break-all">
              <Visible text={entry.path} />
            </span>
            {entry.isAddressable ? <CopyButton text={entry.path} label="Copy path" /> : null}
          </span>
        </Fact>
        <Fact name="Kind">{kindText(entry)}</Fact>
        {entry.linkTarget === null ? null : (
          <Fact name="Link target">
            <FilePath path={entry.linkTarget} className="font-mono text-small" />
          </Fact>
        )}
        {size === null ? null : (
          <Fact name="Size">
            {formatBytes(size)} {size < 1024 ? null : <span className="text-ink-3">{exactBytes(size)}</span>}
          </Fact>
        )}
        {isFolder(entry) && entry.isAddressable ? (
          <Fact name="Contents">
            <Contents sandboxKey={sandboxKey} path={entry.path} forbidden={forbidden} />
          </Fact>
        ) : null}
        <Fact name="Modified">
          <LocalTime ms={entry.modifiedAtMs} />
        </Fact>
        <Fact name="Permissions">
          <span translate="no" className="font-mono text-small">
            {entry.permissions}
          </span>
        </Fact>
        <Fact name="Owner">
          <Visible text={entry.owner} />
          {entry.group === entry.owner ? null : (
            <>
              , group <Visible text={entry.group} />
            </>
          )}
        </Fact>
      </dl>
    </section>
  );
}

function kindText(entry: Entry): string {
  const kind = kindName(entry);
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[104px_minmax(0,1fr)] gap-4 border-line-soft border-b px-4 py-2 last:border-b-0">
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}

type ContentsProps = { sandboxKey: SandboxKey; path: string; forbidden: string | null };

function Contents({ sandboxKey, path, forbidden }: ContentsProps) {
  const [isRequested, setIsRequested] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    ...sizeQuery(sandboxKey, [path]),
    enabled: isRequested,
  });
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span role="status" className="empty:hidden">
        {isFetching ? 'Calculating…' : error ? ApiFailure.from(error).message : data ? sizeText(data) : null}
      </span>
      {isFetching ? null : (
        <Button
          className="h-7!"
          unavailable={forbidden}
          title="Count everything in this folder"
          onClick={() => (isRequested ? void refetch() : setIsRequested(true))}
        >
          {isRequested ? 'Recalculate' : 'Calculate size'}
        </Button>
      )}
    </span>
  );
}

/** `1,204 entries, 312 MB`. */
export function sizeText({ entries, bytes, isCut }: FolderSize): string {
  const many = `${entries.toLocaleString('en')} ${entries === 1 ? 'entry' : 'entries'}, ${formatBytes(bytes)}`;
  return isCut ? `More than ${many}` : many;
}
