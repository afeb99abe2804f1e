'use client';

import { useQuery } from '@tanstack/react-query';
import { ChevronLeft } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '@/components/ui/button';
import { FOCUS_HOME } from '@/components/ui/focus-home';
import type { MenuAct } from '@/components/ui/menu-act';
import { Notice } from '@/components/ui/notice';
import { Strip } from '@/components/ui/strip';
import { FilePath } from '@/components/ui/visible-text';
import { ApiFailure } from '@/lib/api-client';
import { isFolder } from '@/lib/files/browse/order';
import { entryQuery } from '@/lib/files/browse/queries';
import type { FolderFailure } from '@/lib/files/browse/tree';
import type { PreviewView } from '@/lib/files/preview/views';
import type { Entry } from '@/lib/files/schema';
import type { Role } from '@/lib/roles';
import type { SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { readRefusal } from './browse/entry-actions';
import { contentRefusal } from './browse/entry-words';
import { FileFacts } from './browse/file-facts';
import { FilePreview } from './preview/file-preview';

type Props = {
  sandboxKey: SandboxKey;
  path: string;
  /** The entry from the tree, if loaded. */
  known: Entry | null;
  role: Role;
  /** Whether the sandbox can be read and watched. */
  isLive: boolean;
  onGoInto: (path: string) => void;
  onArchive: (entries: readonly Entry[]) => void;
  actionsOf: (entries: readonly Entry[]) => MenuAct[];
  line: number | null;
  view: PreviewView | null;
  wraps: boolean;
  onLine: (line: number) => void;
  onView: (view: PreviewView) => void;
  onWrap: (wraps: boolean) => void;
  onClose: () => void;
};

/** The open entry: a preview, or the details if there is none. */
export function FilePane({ sandboxKey, path, known, ...props }: Props) {
  const { isLive } = props;
  const { data, error, refetch } = useQuery({
    ...entryQuery(sandboxKey, path),
    enabled: isLive && known === null,
  });
  const current = known ?? (error ? null : (data ?? null));
  // The last known entry stays when it can no longer be read.
  const [last, setLast] = useState(current);
  if (current !== null && current !== last) setLast(current);
  const entry = current ?? (last?.path === path ? last : null);
  const failure = current === null && error ? ApiFailure.from(error) : null;

  if (entry !== null)
    return (
      <>
        {failure === null ? null : <Gone failure={failure} />}
        <Shown
          {...props}
          key={path}
          sandboxKey={sandboxKey}
          entry={entry}
          isLive={isLive && failure === null}
        />
      </>
    );
  if (failure !== null)
    return (
      <Unreadable path={path} failure={failure} onClose={props.onClose} onRetry={() => void refetch()} />
    );
  return <PaneSkeleton />;
}

function Shown({
  sandboxKey,
  entry,
  role,
  onGoInto,
  onArchive,
  ...props
}: Omit<Props, 'path' | 'known'> & { entry: Entry }) {
  const forbidden = readRefusal(role);
  const facts = { sandboxKey, entry, forbidden };
  if (isFolder(entry) && entry.isAddressable)
    return (
      <FileFacts
        {...facts}
        actions={
          <>
            <Button onClick={() => onGoInto(entry.path)}>Open folder</Button>
            <Button unavailable={forbidden} onClick={() => onArchive([entry])}>
              Download…
            </Button>
          </>
        }
      />
    );
  const reason = contentRefusal(entry) ?? forbidden;
  if (reason === null) return <FilePreview {...props} sandboxKey={sandboxKey} entry={entry} />;
  return (
    <FileFacts {...facts} actions={<Button unavailable={reason}>Download</Button>}>
      <p className="mb-4 max-w-2xl text-ink-2">{reason}</p>
    </FileFacts>
  );
}

function Gone({ failure }: { failure: ApiFailure }) {
  return (
    <Strip>
      {failure.problem === 'vanished' ? 'The file no longer exists.' : failure.message}{' '}
      <span className="text-ink-2">Showing the last known content.</span>
    </Strip>
  );
}

type UnreadableProps = {
  path: string;
  failure: Pick<FolderFailure, 'message'>;
  onClose: () => void;
  onRetry: () => void;
};

function Unreadable({ path, failure, onClose, onRetry }: UnreadableProps) {
  return (
    <Padded>
      <Notice level="h2" title="Could not show this file" className="min-w-0 max-w-full">
        <p translate="no" className="mb-1 min-w-0 font-mono text-ink text-small">
          <FilePath path={path} />
        </p>
        <p className="mb-3">{failure.message}</p>
        <div className="flex gap-2">
          <Button onClick={onClose}>Close</Button>
          <Button onClick={onRetry}>Try again</Button>
        </div>
      </Notice>
    </Padded>
  );
}

/** Leads back to the list on a narrow screen, which shows the open file in its place. */
export function BackToFiles({ folder, onBack }: { folder: string; onBack: () => void }) {
  return (
    <div className="shrink-0 border-line border-b px-3 py-1 md:hidden">
      <button
        type="button"
        {...FOCUS_HOME}
        aria-label={`Back to the files of ${visibleText(folder)}`}
        onClick={onBack}
        className="flex h-9 max-w-full items-center gap-1 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink"
      >
        <ChevronLeft size={16} aria-hidden className="-ml-1 shrink-0" />
        <span translate="no" className="min-w-0 font-mono text-small">
          <FilePath path={folder} />
        </span>
      </button>
    </div>
  );
}

export function NothingOpen() {
  return (
    <Padded>
      <p className="mb-3 text-ink-2">Select a file to preview it.</p>
      <dl className="grid w-fit grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-ink-3 text-small pointer-coarse:hidden">
        {KEYS.map(([keys, label]) => (
          <div key={label} className="contents">
            <dt translate="no" className="font-mono">
              {keys}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </Padded>
  );
}

const KEYS = [
  ['↑ ↓ ← →', 'move, fold and unfold'],
  ['Enter', 'open'],
  ['Backspace', 'go to the parent folder'],
  ['Space', 'select'],
  ['a b c', 'jump to a name'],
  ['F2', 'rename'],
  ['Delete', 'delete'],
  ['/', 'go to a path'],
] as const;

function Padded({ children }: { children: ReactNode }) {
  return <div className="min-h-0 flex-1 overflow-y-auto p-5">{children}</div>;
}

function PaneSkeleton() {
  return (
    <div role="status" aria-busy="true" aria-label="Reading" className="flex-1 p-5">
      <div className="mb-5 h-3 w-1/3 animate-pulse rounded-full bg-line" />
      <div className="h-48 max-w-2xl animate-pulse rounded-md border border-line bg-surface" />
    </div>
  );
}
