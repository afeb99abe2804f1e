'use client';

import { useQuery } from '@tanstack/react-query';
import { useId, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { Dialog } from '@/components/ui/dialog';
import { Visible } from '@/components/ui/visible-text';
import { ApiFailure } from '@/lib/api-client';
import { fileAddresses } from '@/lib/files/addresses';
import { sizeQuery } from '@/lib/files/browse/queries';
import { baseName, isWithin } from '@/lib/files/guest-path';
import { ARCHIVE_FORMATS, type ArchiveFormat, type Entry } from '@/lib/files/schema';
import { ARCHIVE_LIMIT } from '@/lib/files/transfer/archive/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { sizeText } from '../browse/file-facts';
import { PathList } from '../path-list';
import { downloadArchive } from './use-archives';

type Props = {
  sandboxKey: SandboxKey;
  /** `null` closes it. */
  entries: readonly Pick<Entry, 'path'>[] | null;
  onClose: () => void;
};

/** Downloads folders and files as one archive: shows the size and asks for the format. */
export function ArchiveDialog({ sandboxKey, entries, onClose }: Props) {
  // Keeps the content while it fades out.
  const [last, setLast] = useState(entries);
  if (entries !== null && entries !== last) setLast(entries);
  return (
    <ArchiveBody
      sandboxKey={sandboxKey}
      paths={topmost((entries ?? last ?? []).map(({ path }) => path))}
      isOpen={entries !== null}
      onClose={onClose}
    />
  );
}

type BodyProps = { sandboxKey: SandboxKey; paths: readonly string[]; isOpen: boolean; onClose: () => void };

function ArchiveBody({ sandboxKey, paths, isOpen, onClose }: BodyProps) {
  const [format, setFormat] = useState<ArchiveFormat>('tar.gz');
  const [isUnlimited, setIsUnlimited] = useState(false);
  const download = useRef<HTMLButtonElement>(null);
  const name = useId();
  const tooMany = countRefusal(sandboxKey, paths);
  const { data, error, isFetching } = useQuery({
    ...sizeQuery(sandboxKey, paths),
    enabled: isOpen && tooMany === null,
  });
  const [only] = paths;

  function begin() {
    const name = paths.length === 1 ? baseName(only ?? '') : `${paths.length} items`;
    downloadArchive(sandboxKey, { paths, name, total: data ?? null, format, isUnlimited });
    onClose();
  }

  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={download}
      title={
        paths.length === 1 ? (
          <>
            Download <Visible text={baseName(only ?? '')} /> as an archive
          </>
        ) : (
          `Download ${paths.length} items as an archive`
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button ref={download} tone="primary" unavailable={tooMany} onClick={begin}>
            Download
          </Button>
        </>
      }
    >
      <PathList paths={paths} />
      <p role="status">
        {tooMany !== null
          ? tooMany
          : isFetching
            ? 'Calculating…'
            : error
              ? ApiFailure.from(error).message
              : data
                ? `${sizeText(data)}, uncompressed`
                : null}
      </p>
      <fieldset className="flex gap-4">
        <legend className="mb-1 font-medium">Format</legend>
        {ARCHIVE_FORMATS.map((each) => (
          <label key={each} className="flex items-center gap-2">
            <input
              type="radio"
              name={name}
              className="radio"
              checked={format === each}
              onChange={() => setFormat(each)}
            />
            <span translate="no" className="font-mono">
              .{each}
            </span>
          </label>
        ))}
      </fieldset>
      <label className="flex items-start gap-2">
        <Checkbox
          className="mt-0.5"
          checked={isUnlimited}
          onChange={(event) => setIsUnlimited(event.target.checked)}
        />
        <span>
          No size limit
          <span className="block text-ink-3 text-small">
            By default an archive ends at {formatBytes(ARCHIVE_LIMIT.bytes)} or{' '}
            {ARCHIVE_LIMIT.entries.toLocaleString('en')} entries. <code>LEFT-OUT.txt</code> inside lists
            links, devices and other entries that are missing.
          </span>
        </span>
      </label>
    </Dialog>
  );
}

/** Limits of the server. */
const MAX_PATHS = 500;
const MAX_ADDRESS_CHARS = 14_000;

/** Why there are too many paths, or `null`. */
function countRefusal(sandboxKey: SandboxKey, paths: readonly string[]): string | null {
  const { length } = fileAddresses.archive(sandboxKey, paths, { format: 'tar.gz' });
  if (paths.length > 0 && paths.length <= MAX_PATHS && length <= MAX_ADDRESS_CHARS) return null;
  return 'Too many items. Download the folder that contains them.';
}

function topmost(paths: readonly string[]): string[] {
  return paths.filter((path) => !paths.some((other) => other !== path && isWithin(path, other)));
}
