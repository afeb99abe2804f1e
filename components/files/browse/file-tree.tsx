'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { LazyMenu } from '@/components/ui/floating';
import { FOCUS_HOME } from '@/components/ui/focus-home';
import { HeldNews } from '@/components/ui/held-news';
import type { MenuAct } from '@/components/ui/menu-act';
import type { Order, OrderKey } from '@/lib/files/browse/order';
import { type EntryRow, findByPrefix, type TreeRow } from '@/lib/files/browse/tree';
import type { Entry } from '@/lib/files/schema';
import { unlessComposing } from '@/lib/key-events';
import { FileRow, HEADER_PX, ROW_PX, type RowActions, rowElementId } from './file-row';
import { NoteLine } from './note-line';
import { TreeHeader } from './tree-header';
import { type KeyAction, keyActionOf, type RowAction } from './tree-keys';
import type { MarkActions } from './use-marks';
import { useStableRows } from './use-stable-rows';

const OVERSCAN = 8;
const TYPED_TOGETHER_MS = 700;

type Props = {
  rows: readonly TreeRow[];
  /** Identifies the request. When it changes, rows update at once. */
  request: string;
  shownPath: string | null;
  /** A row to scroll to once it exists. */
  wanted: string | null;
  onFound: () => void;
  marked: ReadonlySet<string>;
  markActions: MarkActions;
  order: Order;
  onSort: (key: OrderKey) => void;
  onFold: (path: string, isOpen: boolean) => void;
  onGoInto: (path: string) => void;
  onShow: (entry: Entry) => void;
  onUp: () => void;
  onPath: (text: string) => void;
  /** The drop target, if it is a row. */
  dropFolder: string | null;
  onShowHidden: () => void;
  onRename: (entry: Entry) => void;
  onDelete: (entries: readonly Entry[]) => void;
  actionsOf: (entries: readonly Entry[]) => MenuAct[];
};

/** The virtualized tree of folders and files. The active row is identified by its key. */
export function FileTree({ rows: current, request, marked, markActions, ...props }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const pointed = useRef<string | null>(null);
  /** Stays the anchor of the rows while the pointer is on the button that updates them. */
  const lastPointed = useRef<string | null>(null);
  const typed = useRef({ text: '', atMs: 0 });
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const [menu, setMenu] = useState<{ entries: readonly Entry[]; anchor: HTMLElement } | null>(null);
  const { rows, gone, arrived, update } = useStableRows(current, {
    request,
    scroller,
    pointed,
    rowPx: ROW_PX,
    headerPx: HEADER_PX,
  });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: OVERSCAN,
    // The sticky header covers rows.
    scrollPaddingEnd: HEADER_PX,
  });
  const activeIndex = useMemo(() => rows.findIndex(({ key }) => key === activeKey), [rows, activeKey]);
  const entryRows = useMemo(() => rows.filter((row) => row.kind === 'entry'), [rows]);
  const markedRows = useMemo(() => entryRows.filter(({ key }) => marked.has(key)), [entryRows, marked]);

  // Scrolling needs the DOM.
  const { wanted, onFound } = props;
  const wantedIndex = useMemo(
    () => (wanted === null ? -1 : rows.findIndex(({ key }) => key === wanted)),
    [rows, wanted],
  );
  useLayoutEffect(() => {
    if (wanted === null || wantedIndex < 0) return;
    setActiveKey(wanted);
    virtual.scrollToIndex(wantedIndex);
    onFound();
  }, [wanted, wantedIndex, virtual, onFound]);

  // Stable callbacks, or all rows would render again.
  const latest = useRef({ rows, marked, markActions, markedRows, gone, ...props });
  latest.current = { rows, marked, markActions, markedRows, gone, ...props };
  const actions = useMemo((): RowActions => {
    const activate = (key: string) => {
      setActiveKey(key);
      scroller.current?.focus({ preventScroll: true });
    };
    return {
      onToggle: ({ path }) => latest.current.onFold(path, !isOpenAt(latest.current.rows, path)),
      onGoInto: ({ path }) => latest.current.onGoInto(path),
      onPoint: (key) => {
        pointed.current = key;
        lastPointed.current = key ?? lastPointed.current;
      },
      onMark: (row, event) => {
        activate(row.key);
        if (event.shiftKey) latest.current.markActions.extend(row.key, keysOf(latest.current.rows));
        else latest.current.markActions.toggle(row.key);
      },
      onChoose: (row, event) => {
        const { markActions, onShow, onFold, gone } = latest.current;
        activate(row.key);
        if (gone.has(row.key)) return;
        if (event.shiftKey) markActions.extend(row.key, keysOf(latest.current.rows));
        else if (event.metaKey || event.ctrlKey) markActions.toggle(row.key);
        else {
          markActions.startAt(row.key);
          if (row.isOpen === null) onShow(row.entry);
          // The second click of a double click opens the folder.
          else if (event.detail < 2) onFold(row.entry.path, !row.isOpen);
        }
      },
      onMenu: (row, anchor) => {
        setActiveKey(row.key);
        const { marked, markedRows } = latest.current;
        const targets = marked.has(row.key) ? markedRows : [row];
        setMenu({ entries: targets.map(({ entry }) => entry), anchor });
      },
    };
  }, []);

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget) return;
    const action = keyActionOf(event, rows, activeIndex);
    if (action === null) return;
    event.preventDefault();
    perform(action, event.shiftKey);
  }

  function perform(action: KeyAction, isShift: boolean) {
    const row = rows[activeIndex];
    if (action.kind === 'move') moveTo(action.to, isShift);
    else if (action.kind === 'up') props.onUp();
    else if (action.kind === 'markAll') markActions.set(entryRows.map(({ key }) => key));
    else if (action.kind === 'unmark') markActions.set([]);
    else if (action.kind === 'path') props.onPath(action.text);
    else if (action.kind === 'type') goToTyped(action.letter);
    else if (row?.kind === 'entry') performOn(row, action.kind);
  }

  function performOn(row: EntryRow, kind: RowAction) {
    const anchor = document
      .getElementById(rowElementId(activeIndex))
      ?.querySelector<HTMLElement>('[aria-haspopup=menu]');
    if (kind === 'menu' && anchor) actions.onMenu(row, anchor);
    if (kind === 'mark') markActions.toggle(row.key);
    if (kind === 'rename') props.onRename(row.entry);
    if (kind === 'delete')
      props.onDelete(marked.has(row.key) ? markedRows.map(({ entry }) => entry) : [row.entry]);
    if (kind === 'fold' || kind === 'unfold') props.onFold(row.entry.path, kind === 'unfold');
    if (kind !== 'open' || gone.has(row.key)) return;
    if (row.isOpen === null) props.onShow(row.entry);
    else props.onGoInto(row.entry.path);
  }

  function moveTo(index: number, isExtending: boolean) {
    const key = rows[index]?.key;
    if (key === undefined) return;
    if (isExtending) markActions.extend(key, keysOf(rows));
    else markActions.startAt(key);
    setActiveKey(key);
    virtual.scrollToIndex(index);
  }

  function goToTyped(letter: string) {
    const nowMs = performance.now();
    const isMore = nowMs - typed.current.atMs < TYPED_TOGETHER_MS && typed.current.text !== letter;
    const text = isMore ? typed.current.text + letter : letter;
    typed.current = { text, atMs: nowMs };
    const found = findByPrefix(rows, activeIndex, text);
    if (found >= 0) moveTo(found, false);
  }

  return (
    <>
      {/* Outside the grid, which may contain only rows. */}
      <HeldNews
        arrived={arrived}
        gone={gone.size}
        onUpdate={update}
        onHold={(isHeld) => actions.onPoint(isHeld ? lastPointed.current : null)}
      />
      <div
        ref={scroller}
        {...FOCUS_HOME}
        role="treegrid"
        aria-label="Files"
        aria-multiselectable
        aria-rowcount={rows.length + 1}
        aria-activedescendant={activeIndex < 0 ? undefined : rowElementId(activeIndex)}
        tabIndex={0}
        onKeyDown={unlessComposing(onKeyDown)}
        onPointerLeave={() => actions.onPoint(null)}
        data-marking={markedRows.length > 0 ? '' : undefined}
        className="group/tree @container relative min-h-0 flex-1 overflow-y-auto overflow-x-hidden outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
      >
        <TreeHeader
          order={props.order}
          onSort={props.onSort}
          marked={markedRows.length}
          count={entryRows.length}
          onMarkAll={(isAll) => markActions.set(isAll ? entryRows.map(({ key }) => key) : [])}
        />
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (row?.kind === 'note')
              return (
                <NoteLine
                  key={row.key}
                  row={row}
                  index={index}
                  top={start}
                  isActive={index === activeIndex}
                  onShowHidden={props.onShowHidden}
                />
              );
            if (!row) return null;
            return (
              <FileRow
                key={row.key}
                row={row}
                index={index}
                top={start}
                isActive={index === activeIndex}
                isShown={row.entry.path === props.shownPath && row.entry.isAddressable}
                isMarked={marked.has(row.key)}
                isGone={gone.has(row.key)}
                isTarget={row.isOpen !== null && row.entry.path === props.dropFolder}
                actions={actions}
              />
            );
          })}
        </div>
      </div>
      <LazyMenu
        anchor={menu?.anchor ?? null}
        onClose={() => setMenu(null)}
        acts={menu ? props.actionsOf(menu.entries) : []}
      />
    </>
  );
}

function keysOf(rows: readonly TreeRow[]): string[] {
  return rows.flatMap((row) => (row.kind === 'entry' ? [row.key] : []));
}

function isOpenAt(rows: readonly TreeRow[], path: string): boolean {
  return rows.some((row) => row.kind === 'entry' && row.entry.path === path && row.isOpen === true);
}
