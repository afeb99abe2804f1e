'use client';

import { Component, lazy, type ReactNode, Suspense, useState } from 'react';
import { Button } from '@/components/ui/button';
import type { MenuAct } from '@/components/ui/menu-act';
import { Strip } from '@/components/ui/strip';
import { isMissingPart } from '@/lib/answer';
import { ApiFailure } from '@/lib/api-client';
import { MAX_EDIT_BYTES } from '@/lib/files/edit/editable-text';
import type { PreviewKind } from '@/lib/files/preview/kind';
import type { Encoding } from '@/lib/files/preview/text/encoding';
import { type PreviewView, sizeAllows, viewFor, viewsOf } from '@/lib/files/preview/views';
import type { Entry } from '@/lib/files/schema';
import { reloadPage } from '@/lib/kept-text';
import { checkPage } from '@/lib/page-state';
import type { SandboxKey } from '@/lib/sandbox-key';
import { downloadFile } from '../browse/entry-actions';
import { FileFacts } from '../browse/file-facts';
import { findDraft } from '../edit/edit-drafts';
import { PreviewBar } from './preview-bar';
import { versionOf } from './preview-props';
import { PreviewNotice, PreviewRefusal, PreviewSkeleton, TooLarge } from './preview-state';
import { useHead } from './use-head';
import { useHeldKind } from './use-held-kind';
import { ControlsSlot } from './view-controls';
import { VIEW_NAMES, VIEWS } from './views';

type Props = {
  sandboxKey: SandboxKey;
  entry: Entry;
  /** Whether the sandbox can be read and watched. */
  isLive: boolean;
  line: number | null;
  /** `null`: the default of its kind. */
  view: PreviewView | null;
  wraps: boolean;
  actionsOf: (entries: readonly Entry[]) => MenuAct[];
  onLine: (line: number) => void;
  onView: (view: PreviewView) => void;
  onWrap: (wraps: boolean) => void;
};

export function FilePreview({
  sandboxKey,
  entry,
  isLive,
  line,
  view: requestedView,
  onView,
  ...props
}: Props) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const [isEditing, setIsEditing] = useState(() => findDraft(sandboxKey, entry.path) !== null);
  const [confirmedView, setConfirmedView] = useState<PreviewView | null>(null);
  // A view that was shown stays while the file grows.
  const [grownView, setGrownView] = useState<PreviewView | null>(null);
  const { head, error, retry } = useHead(sandboxKey, entry, isLive);
  const { kind, encoding, other, takeOther } = useHeldKind(entry.name, head);
  const view = kind === null ? requestedView : viewFor(kind, requestedView, line);
  // The size of a link is not that of its target.
  const sizeBytes = entry.kind === 'link' ? (head?.sizeBytes ?? 0) : entry.sizeBytes;
  const download = <Button onClick={() => downloadFile(sandboxKey, entry.path)}>Download</Button>;
  const bar = (
    <PreviewBar
      sandboxKey={sandboxKey}
      entry={entry}
      sizeBytes={head === undefined && entry.kind === 'link' ? null : sizeBytes}
      views={isEditing ? null : kind === null ? [] : viewsOf(kind)}
      view={view}
      onView={onView}
      acts={props.actionsOf([entry])}
      editRefusal={
        kind === null || isEditing ? undefined : editRefusal(kind, { sizeBytes, encoding, isLive })
      }
      onEdit={() => setIsEditing(true)}
      slotRef={setSlot}
    />
  );
  const shown = (content: ReactNode) => (
    <section aria-label="Preview" className="flex min-h-0 flex-1 flex-col">
      {bar}
      <ControlsSlot value={slot}>{content}</ControlsSlot>
    </section>
  );

  if (isEditing)
    return shown(
      <Suspense fallback={<PreviewSkeleton />}>
        <EditView
          sandboxKey={sandboxKey}
          entry={entry}
          isLive={isLive}
          wraps={props.wraps}
          onClose={() => setIsEditing(false)}
        />
      </Suspense>,
    );
  if (view === 'details') return shown(<FileFacts sandboxKey={sandboxKey} entry={entry} forbidden={null} />);
  if (head === undefined || kind === null || view === null) {
    if (error === null && isLive) return shown(<PreviewSkeleton view={view} />);
    const failure =
      error === null
        ? new ApiFailure('conflict', 'The sandbox stopped before the file was read.', 'not_running')
        : ApiFailure.from(error);
    return shown(
      <PreviewRefusal
        failure={failure}
        acts={
          <>
            <Button unavailable={isLive ? null : 'The sandbox is not running.'} onClick={retry}>
              Try again
            </Button>
            <Button onClick={() => onView('details')}>Details</Button>
          </>
        }
      />,
    );
  }

  const instead = (
    <>
      {viewsOf(kind)
        .filter((other) => other !== view)
        .map((other) => (
          <Button key={other} onClick={() => onView(other)}>
            Show as {VIEW_NAMES[other].toLowerCase()}
          </Button>
        ))}
      {download}
    </>
  );
  const allowed = sizeAllows(view, sizeBytes);
  if (allowed === 'yes' && grownView !== view) setGrownView(view);
  if (allowed === 'no' || (allowed === 'confirm' && confirmedView !== view && grownView !== view))
    return shown(
      <TooLarge
        sizeBytes={sizeBytes}
        onShowAnyway={allowed === 'no' ? null : () => setConfirmedView(view)}
        acts={instead}
      />,
    );

  const View = VIEWS[view];
  return shown(
    <PreviewBoundary key={view} acts={instead}>
      {kind === 'hex' && sizeBytes > 0 ? <BinaryNote isText={view === 'text'} /> : null}
      {other !== null && isLive && !viewsOf(kind).includes(viewFor(other, null, null)) ? (
        <Strip
          tone="news"
          isDense
          actions={
            <Button className="h-7!" onClick={takeOther}>
              Show as {VIEW_NAMES[viewFor(other, null, null)].toLowerCase()}
            </Button>
          }
        >
          The type of the file has changed.
        </Strip>
      ) : null}
      <Suspense fallback={<PreviewSkeleton view={view} />}>
        <View
          sandboxKey={sandboxKey}
          entry={entry}
          head={head.version === versionOf(entry) ? head.bytes : NOTHING}
          encoding={encoding}
          sizeBytes={sizeBytes}
          version={versionOf(entry)}
          isLive={isLive}
          line={line}
          onLine={props.onLine}
          onInstead={onView}
          wraps={props.wraps}
          onWrap={props.onWrap}
        />
      </Suspense>
    </PreviewBoundary>,
  );
}

const EditView = lazy(async () => ({ default: (await import('../edit/edit-view')).EditView }));

/** Why a file cannot be edited, or `null`. `undefined`: it is not text. */
function editRefusal(
  kind: PreviewKind,
  { sizeBytes, encoding, isLive }: { sizeBytes: number; encoding: Encoding; isLive: boolean },
): string | null | undefined {
  if (kind === 'hex' || !viewsOf(kind).includes('text')) return undefined;
  if (!isLive) return 'The sandbox is not running.';
  if (sizeBytes > MAX_EDIT_BYTES) return 'Only files up to 1 MB can be edited.';
  return encoding === 'utf-8' || encoding === 'utf-8-bom' ? null : 'Only UTF-8 text can be edited.';
}

const NOTHING = new Uint8Array();

function BinaryNote({ isText }: { isText: boolean }) {
  return (
    <p className="shrink-0 border-line-soft border-b px-5 py-1.5 text-ink-2 text-small">
      {isText
        ? 'Binary file, shown as UTF-8. Signs replace invalid bytes.'
        : 'Binary file. No preview is available for this type.'}
    </p>
  );
}

type BoundaryProps = { acts: ReactNode; children: ReactNode };

/** Keeps the page when a view fails to load or to render. */
class PreviewBoundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    if (isMissingPart(error)) void checkPage();
  }

  override render() {
    const { acts, children } = this.props;
    const { error } = this.state;
    if (error === null) return children;
    const mustReload = isMissingPart(error);
    return (
      <PreviewNotice
        title="Could not show this view"
        acts={
          <>
            <Button onClick={() => (mustReload ? reloadPage() : this.setState({ error: null }))}>
              {mustReload ? 'Reload page' : 'Try again'}
            </Button>
            {acts}
          </>
        }
      >
        <p>
          {mustReload
            ? 'Part of this page could not be loaded. The connection was lost, or Sandkeeper was updated.'
            : 'The file is too complex for this view, or an extension or a translation of the browser has changed the page.'}
        </p>
      </PreviewNotice>
    );
  }
}
