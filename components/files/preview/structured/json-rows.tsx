'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { type KeyboardEvent, type RefObject, useMemo, useState } from 'react';
import { CopyButton, copyText } from '@/components/ui/copy-button';
import { Visible } from '@/components/ui/visible-text';
import { decodeString, type JsonTree, jsonPath, jsonRows } from '@/lib/files/preview/structured/json-tree';
import { unlessComposing } from '@/lib/key-events';
import { BarButton, ViewControls } from '../view-controls';

const ROW_PX = 22;
/** Browsers limit the height of an element. */
const MAX_ROWS = 500_000;
const MAX_EXPANDED_ROWS = 5_000;
const MAX_VALUE_CHARS = 400;
const MAX_INDENT = 30;

type Props = {
  tree: JsonTree;
  open: ReadonlySet<number>;
  onOpen: (open: ReadonlySet<number>) => void;
  scroller: RefObject<HTMLDivElement | null>;
};

export function JsonRows({ tree, open, onOpen, scroller }: Props) {
  const rows = useMemo(() => jsonRows(tree, open, MAX_ROWS), [tree, open]);
  const [active, setActive] = useState(0);
  const at = Math.min(active, rows.length - 1);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    paddingStart: 6,
    paddingEnd: 6,
  });
  const row = rows[at];

  function go(index: number) {
    const next = Math.min(Math.max(index, 0), rows.length - 1);
    setActive(next);
    virtual.scrollToIndex(next);
  }

  function fold(node: number, isOpen: boolean) {
    const next = new Set(open);
    if (isOpen) next.add(node);
    else next.delete(node);
    onOpen(next);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const step = steps[event.key];
    const isOpen = open.has(row.node);
    const isBranch = tree.count(row.node) > 0;
    if (step !== undefined) go(at + step);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(rows.length - 1);
    else if (event.key === 'ArrowRight' && isBranch) isOpen ? go(at + 1) : fold(row.node, true);
    else if (event.key === 'ArrowLeft' && isBranch && isOpen) fold(row.node, false);
    else if (event.key === 'ArrowLeft') {
      const parent = tree.parent(row.node);
      if (parent !== null) go(rows.findIndex(({ node }) => node === parent));
    } else if ((event.key === 'Enter' || event.key === ' ') && isBranch) fold(row.node, !isOpen);
    else return;
    event.preventDefault();
  }

  return (
    <>
      <ViewControls>
        <BarButton
          onClick={() => onOpen(expandAll(tree))}
          title={`Expand up to ${MAX_EXPANDED_ROWS.toLocaleString('en')} lines`}
        >
          Expand
        </BarButton>
        <BarButton onClick={() => onOpen(new Set())}>Collapse</BarButton>
      </ViewControls>
      <div
        translate="no"
        ref={scroller}
        role="tree"
        aria-label="JSON"
        aria-activedescendant={row ? `json-${row.node}` : undefined}
        tabIndex={0}
        onKeyDown={unlessComposing(onKeyDown)}
        className="group/json min-h-0 flex-1 overflow-auto font-mono text-[12.5px] outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
      >
        <div className="relative min-w-max" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const each = rows[index];
            if (!each) return null;
            const { node, level } = each;
            const isBranch = tree.count(node) > 0;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles keys.
              <div
                key={node}
                id={`json-${node}`}
                role="treeitem"
                aria-level={level}
                aria-expanded={isBranch ? open.has(node) : undefined}
                aria-selected={index === at}
                onClick={() => {
                  setActive(index);
                  if (isBranch) fold(node, !open.has(node));
                }}
                className={clsx(
                  'absolute flex min-w-full cursor-default items-center whitespace-pre pr-5 hover:bg-hover',
                  index === at && 'bg-selected hover:bg-selected-hover',
                )}
                style={{
                  top: start,
                  height: ROW_PX,
                  paddingLeft: 16 + Math.min(level - 1, MAX_INDENT) * 16,
                }}
              >
                <span
                  aria-hidden
                  className={clsx(
                    'icon icon-chevron mr-1 size-3! shrink-0 text-ink-3',
                    !isBranch && 'invisible',
                    open.has(node) && 'rotate-90',
                  )}
                />
                <NodeText tree={tree} node={node} isOpen={open.has(node)} />
              </div>
            );
          })}
        </div>
      </div>
      {row ? <NodeFooter tree={tree} node={row.node} isCut={rows.length >= MAX_ROWS} /> : null}
    </>
  );
}

function NodeText({ tree, node, isOpen }: { tree: JsonTree; node: number; isOpen: boolean }) {
  const key = tree.key(node);
  const kind = tree.kind(node);
  return (
    <>
      {key === null ? null : typeof key === 'number' ? (
        <span className="text-ink-3">{key}: </span>
      ) : (
        <>
          <Visible text={key} />
          <span className="text-ink-3">: </span>
        </>
      )}
      {kind === 'object' || kind === 'array' ? (
        <span className="text-ink-3">{summary(kind, tree.count(node), isOpen)}</span>
      ) : (
        <>
          <Visible text={tree.source(node, MAX_VALUE_CHARS)} className={COLOURS[kind]} />
          {tree.span(node) > MAX_VALUE_CHARS ? (
            <span className="text-ink-3"> … {tree.span(node).toLocaleString('en')} characters</span>
          ) : null}
        </>
      )}
    </>
  );
}

const COLOURS = {
  string: 'text-running',
  number: 'text-paused',
  boolean: 'text-accent',
  null: 'text-accent',
} as const;

function summary(kind: 'object' | 'array', count: number, isOpen: boolean): string {
  const [start, end, word] = kind === 'object' ? ['{', '}', 'key'] : ['[', ']', 'element'];
  if (count === 0) return `${start}${end}`;
  if (isOpen) return start;
  return `${start} ${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'} ${end}`;
}

const MAX_COPY_CHARS = 1_000_000;

function NodeFooter({ tree, node, isCut }: { tree: JsonTree; node: number; isCut: boolean }) {
  const path = jsonPath(tree, node);
  return (
    <footer className="flex h-8 shrink-0 items-center gap-2 overflow-hidden border-line border-t px-5 text-ink-2 text-small">
      <Visible text={path} title className="truncate font-mono" />
      <CopyButton text={path} label="Copy path" />
      <button
        type="button"
        className="shrink-0 text-accent"
        onClick={() => {
          const source = tree.source(node, MAX_COPY_CHARS);
          void copyText(tree.kind(node) === 'string' ? decodeString(source) : source, 'the value');
        }}
      >
        Copy value
      </button>
      {isCut ? (
        <span className="ml-auto shrink-0">Showing the first {MAX_ROWS.toLocaleString('en')} lines</span>
      ) : null}
    </footer>
  );
}

/** Expands the upper levels first, up to the row limit. */
function expandAll(tree: JsonTree): Set<number> {
  const open = new Set<number>();
  const queue = [0];
  let lines = 1;
  for (let next = 0; next < queue.length && lines < MAX_EXPANDED_ROWS; next += 1) {
    const node = queue[next] ?? 0;
    if (tree.count(node) === 0) continue;
    open.add(node);
    lines += tree.count(node);
    for (let child = tree.firstChild(node); child !== null; child = tree.next(child))
      if (tree.isBranch(child)) queue.push(child);
  }
  return open;
}
