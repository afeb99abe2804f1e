'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, useCallback, useMemo, useState } from 'react';
import { useOffers } from '@/components/data/use-offers';
import { rememberInCookie } from '@/components/ui/cookie';
import type { MenuAct } from '@/components/ui/menu-act';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Split } from '@/components/ui/split';
import { ApiFailure } from '@/lib/api-client';
import { nextOrder } from '@/lib/files/browse/order';
import { homeQuery, listingQuery } from '@/lib/files/browse/queries';
import type { Folder } from '@/lib/files/browse/tree';
import { isWithin, parentOf } from '@/lib/files/guest-path';
import type { Entry, FileHit } from '@/lib/files/schema';
import { unlessComposing } from '@/lib/key-events';
import type { Role } from '@/lib/roles';
import type { SandboxKey } from '@/lib/sandbox-key';
import { changeRefusalOf, deleteRefusal, entryActions, readRefusal } from './browse/entry-actions';
import { FileToolbar } from './browse/file-toolbar';
import { FileTree } from './browse/file-tree';
import { FolderState, StaleStrip, TreeSkeleton } from './browse/folder-state';
import { StatusLine } from './browse/status-line';
import { useFollowedFolders } from './browse/use-folders';
import { useMarks } from './browse/use-marks';
import { useTree } from './browse/use-tree';
import type { NameRequest } from './change/name-dialog';
import { BackToFiles, FilePane, NothingOpen } from './file-pane';
import { ArchiveDialog, DeleteDialog, NameDialog, QuickOpen, SearchPanel } from './lazy-parts';
import { ArchivePanel } from './transfer/archive-panel';
import { UploadPanel } from './transfer/upload-panel';
import { useArchives } from './transfer/use-archives';
import { useDrop } from './transfer/use-drop';
import { chooseFiles, uploads, useUploads } from './transfer/use-uploads';
import { useAddress } from './use-address';
import { printView, VIEW_COOKIE, type ViewChoice } from './view-choice';

type Props = {
  sandboxKey: SandboxKey;
  role: Role;
  /** Whether it can be read and watched. If not, the last known content stays. */
  isRunning: boolean;
  view: ViewChoice;
};

export function FileBrowser({ sandboxKey, role, isRunning, view: served }: Props) {
  const client = useQueryClient();
  const {
    path,
    file,
    line,
    view: requestedView,
    order,
    go,
    sortBy,
    pointAt,
    viewAs,
    ...address
  } = useAddress();
  const [view, changeView] = useView(served);
  const home = useQuery({ ...homeQuery(sandboxKey), enabled: isRunning });
  const root = path ?? home.data ?? null;
  const { showsHidden } = view;
  const tree = useTree({ sandboxKey, root, file, order, showsHidden, isReadable: isRunning });
  useFollowedFolders(sandboxKey, file === null ? tree.listed : [...tree.listed, parentOf(file)], isRunning);
  const [marked, markActions] = useMarks();
  const uploadList = useUploads(sandboxKey);
  const archives = useArchives(sandboxKey);
  const [typing, setTyping] = useState<string | null>(null);
  const [isSearching, setIsSearching] = useState(false);
  const [isOpening, setIsOpening] = useState(false);
  const [toArchive, setToArchive] = useState<readonly Pick<Entry, 'path'>[] | null>(null);
  const [naming, setNaming] = useState<NameRequest | null>(null);
  const [toDelete, setToDelete] = useState<readonly Entry[] | null>(null);
  /** The open file in place of which a narrow screen shows the list, as for a search. */
  const [listedOver, setListedOver] = useState<string | null>(null);
  const narrow = file === null || file === listedOver ? 'first' : 'second';
  const forbidden = readRefusal(role) ?? (isRunning ? null : 'The sandbox is not running.');

  const { want, fold } = tree;
  const show: typeof address.show = (next, at) => {
    setListedOver(null);
    address.show(next, at);
  };
  const search = (isOpen: boolean) => {
    setIsSearching(isOpen);
    setListedOver(isOpen ? file : null);
  };
  const goTo = useCallback(
    (next: string, shown?: string) => {
      markActions.set([]);
      go(next, shown);
      setListedOver(shown === undefined ? file : null);
      if (shown !== undefined) want(shown);
    },
    [go, want, markActions, file],
  );
  const goUp = () => {
    if (root === null || root === '/') return;
    goTo(parentOf(root));
    want(root);
  };
  const upload = (folder: string) => chooseFiles((files) => uploads().add(sandboxKey, folder, files));
  const drop = useDrop({
    folder: root,
    isAllowed: forbidden === null,
    onFiles: (folder, files) => uploads().add(sandboxKey, folder, files),
  });
  const refresh = () => {
    void home.refetch();
    for (const each of tree.listed)
      void client.refetchQueries({ queryKey: listingQuery(sandboxKey, each).queryKey, exact: true });
  };
  const showHidden = (shows: boolean) => changeView({ ...view, showsHidden: shows });

  const markedEntries = useMemo(
    () => tree.rows.flatMap((row) => (row.kind === 'entry' && marked.has(row.key) ? [row.entry] : [])),
    [tree.rows, marked],
  );
  const known = useMemo(() => (file === null ? null : findEntry(tree.folders, file)), [tree.folders, file]);
  const actionsOf = (entries: readonly Entry[]) =>
    entryActions(entries, {
      sandboxKey,
      role,
      forbidden,
      handlers: {
        onGoInto: goTo,
        onShow: ({ path }) => show(path),
        onArchive: setToArchive,
        onUpload: upload,
        onNewFolder: (folder) => setNaming({ kind: 'folder', folder }),
        onRename: (entry) => setNaming({ kind: 'rename', entry }),
        onDelete: setToDelete,
      },
    });
  const acts: MenuAct[] = [
    { label: 'Go to path…', onActivate: () => setTyping('') },
    { label: 'Open by name…', onActivate: () => setIsOpening(true) },
    {
      label: 'New folder…',
      onActivate: () => root !== null && setNaming({ kind: 'folder', folder: root }),
      disabledReason: forbidden,
    },
    { label: 'Refresh', onActivate: refresh },
    {
      label: showsHidden ? 'Hide hidden files' : 'Show hidden files',
      onActivate: () => showHidden(!showsHidden),
    },
    {
      label: 'Download this folder…',
      onActivate: () => root !== null && setToArchive([{ path: root }]),
      disabledReason: forbidden,
      separated: true,
    },
  ];
  useOffers(() =>
    acts.map(({ label, onActivate, disabledReason }) => ({
      id: `files:${label}`,
      group: 'sandbox',
      title: label,
      words: 'files folder',
      disabledReason: disabledReason ?? null,
      onRun: onActivate,
    })),
  );

  function onKeyDown(event: KeyboardEvent) {
    const isCommand = (event.metaKey || event.ctrlKey) && !event.altKey;
    const isTyping =
      event.target instanceof Element && event.target.closest('input:not([type=checkbox]), textarea');
    // Only while the focus is in the files; elsewhere Ctrl P still prints.
    if (isCommand && !event.shiftKey && event.key.toLowerCase() === 'p') setIsOpening(true);
    else if (isCommand && event.shiftKey && event.key.toLowerCase() === 'f') {
      if (forbidden === null) search(true);
    } else if (event.key === '/' && !isCommand && !event.altKey && !isTyping && !event.defaultPrevented)
      setTyping('/');
    else return;
    event.preventDefault();
  }

  const reread = (path: string) =>
    void client.invalidateQueries({ queryKey: listingQuery(sandboxKey, parentOf(path)).queryKey });

  function onNamed(entry: Entry, request: NameRequest) {
    reread(entry.path);
    want(entry.path);
    if (request.kind !== 'rename') return;
    const before = request.entry.path;
    // What is shown moves with its folder.
    if (file !== null && isWithin(file, before)) show(`${entry.path}${file.slice(before.length)}`);
  }

  function onDeleted(entries: readonly Entry[]) {
    for (const { path } of entries) reread(path);
    markActions.set([]);
    if (file !== null && entries.some(({ path }) => isWithin(file, path))) show(null);
  }

  function showHit(hit: FileHit) {
    if (hit.kind === 'directory') goTo(hit.path);
    else show(hit.path, hit.line);
  }

  const { top } = tree;
  const failure = home.error && path === null ? ApiFailure.from(home.error) : (top?.failure ?? null);
  const isLost = failure !== null && (!top?.entries || LOST.has(failure.problem ?? ''));

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: shortcuts of the whole file browser.
    <div onKeyDown={unlessComposing(onKeyDown)} className="flex min-h-0 flex-1 flex-col">
      <FileToolbar
        sandboxKey={sandboxKey}
        root={root}
        home={home.data ?? '/'}
        typing={typing}
        onTyping={setTyping}
        onGo={goTo}
        isSearching={isSearching}
        onSearch={() => search(!isSearching)}
        onUpload={() => root !== null && upload(root)}
        onArchive={() => root !== null && setToArchive([{ path: root }])}
        forbidden={forbidden}
        acts={acts}
        className={narrow === 'second' && typing === null ? 'max-md:hidden' : undefined}
      />
      <Split
        label="List width"
        firstPx={view.listPx}
        onResize={(listPx) => changeView({ ...view, listPx })}
        narrow={narrow}
        first={
          <>
            <PanelBoundary what="search">
              <SearchPanel
                isOpen={isSearching}
                sandboxKey={sandboxKey}
                folder={root ?? '/'}
                shownPath={file}
                onShow={showHit}
                onClose={() => search(false)}
              />
            </PanelBoundary>
            {isSearching ? null : (
              <div
                {...drop.handlers}
                className="relative flex min-h-0 flex-1 flex-col data-drop:outline-2 data-drop:outline-accent data-drop:-outline-offset-2"
                data-drop={drop.target !== null && drop.target === root ? '' : undefined}
              >
                {isLost ? (
                  <FolderState
                    sandboxKey={sandboxKey}
                    path={root ?? '~'}
                    failure={failure}
                    onGo={goTo}
                    onRetry={refresh}
                  />
                ) : top?.entries ? (
                  <>
                    {failure === null ? null : <StaleStrip failure={failure} />}
                    <PanelBoundary what="folder">
                      <FileTree
                        rows={tree.rows}
                        request={tree.request}
                        shownPath={file}
                        wanted={tree.wanted}
                        onFound={tree.found}
                        marked={marked}
                        markActions={markActions}
                        order={order}
                        onSort={(key) => sortBy(nextOrder(order, key))}
                        onFold={fold}
                        onGoInto={goTo}
                        onShow={(entry) => show(entry.path)}
                        onUp={goUp}
                        onPath={setTyping}
                        onRename={(entry) => {
                          if ((forbidden ?? changeRefusalOf(entry)) === null)
                            setNaming({ kind: 'rename', entry });
                        }}
                        onDelete={(entries) => {
                          if ((forbidden ?? deleteRefusal(entries)) === null) setToDelete(entries);
                        }}
                        dropFolder={drop.target}
                        onShowHidden={() => showHidden(true)}
                        actionsOf={actionsOf}
                      />
                    </PanelBoundary>
                  </>
                ) : (
                  <TreeSkeleton />
                )}
                <StatusLine
                  folder={isLost ? null : top}
                  showsHidden={showsHidden}
                  onShowHidden={showHidden}
                  marked={markedEntries}
                  onUnmark={() => markActions.set([])}
                  onArchive={setToArchive}
                  onDelete={setToDelete}
                  forbidden={forbidden}
                />
              </div>
            )}
            <ArchivePanel all={archives} />
            <PanelBoundary what="list of uploads">
              <UploadPanel all={uploadList} forbidden={forbidden} />
            </PanelBoundary>
          </>
        }
        second={
          file === null ? (
            <NothingOpen />
          ) : (
            <>
              <BackToFiles folder={root ?? parentOf(file)} onBack={() => show(null)} />
              <PanelBoundary what="file">
                <FilePane
                  sandboxKey={sandboxKey}
                  path={file}
                  known={known}
                  role={role}
                  isLive={isRunning}
                  onGoInto={goTo}
                  line={line}
                  view={requestedView}
                  wraps={view.wraps}
                  onLine={pointAt}
                  onView={viewAs}
                  onWrap={(wraps) => changeView({ ...view, wraps })}
                  onArchive={setToArchive}
                  actionsOf={actionsOf}
                  onClose={() => show(null)}
                />
              </PanelBoundary>
              {/* The one beside the list is out of sight there. */}
              <div className="contents md:hidden">
                <ArchivePanel all={archives} />
              </div>
            </>
          )
        }
      />
      <QuickOpen
        isOpen={isOpening}
        entries={() => [...tree.folders.values()].flatMap(({ entries }) => entries ?? [])}
        onChoose={(entry) => show(entry.path)}
        onClose={() => setIsOpening(false)}
      />
      <NameDialog
        sandboxKey={sandboxKey}
        request={naming}
        forbidden={forbidden}
        onDone={onNamed}
        onClose={() => setNaming(null)}
      />
      <DeleteDialog
        sandboxKey={sandboxKey}
        entries={toDelete}
        forbidden={forbidden}
        onDone={onDeleted}
        onClose={() => setToDelete(null)}
      />
      <ArchiveDialog sandboxKey={sandboxKey} entries={toArchive} onClose={() => setToArchive(null)} />
    </div>
  );
}

/** Problems after which the last known entries are not shown. */
const LOST: ReadonlySet<string> = new Set(['vanished', 'not_directory']);

function useView(served: ViewChoice): [ViewChoice, (view: ViewChoice) => void] {
  const [view, setView] = useState(served);
  const change = useCallback((next: ViewChoice) => {
    setView(next);
    rememberInCookie(VIEW_COOKIE, printView(next));
  }, []);
  return [view, change];
}

function findEntry(folders: ReadonlyMap<string, Folder>, path: string): Entry | null {
  const folder = folders.get(parentOf(path));
  return folder?.entries?.find((entry) => entry.path === path) ?? null;
}
