'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import {
  type Dispatch,
  memo,
  type ReactNode,
  type SetStateAction,
  useCallback,
  useMemo,
  useRef,
} from 'react';
import { ArchiveSummary } from '@/components/operations/archive-summary';
import { OutcomeBadge } from '@/components/operations/outcome';
import { MetadataChips } from '@/components/sandbox/metadata-chips';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { CopyButton } from '@/components/ui/copy-button';
import { formatTook } from '@/components/ui/duration';
import { metadataTerm } from '@/lib/fleet/filter/filter';
import { printTerm } from '@/lib/fleet/filter/print';
import { mayRetry, type RecordedItem } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import type { SandboxAct } from '@/lib/sandbox/can';
import { templateName } from '@/lib/sandbox/name';

const ROW_PX = 34;
const OVERSCAN = 3;
/** What the server fills; the browser measures. */
const SERVED_RECT = { width: 1280, height: 1100 };
const GRID =
  'grid min-w-[1080px] grid-cols-[16px_128px_184px_104px_minmax(240px,6fr)_64px_minmax(200px,5fr)] items-center gap-4 px-5';

type Props = {
  act: SandboxAct;
  items: readonly RecordedItem[];
  /** Whether more are on their way. */
  isReading: boolean;
  /** Those that can be retried. */
  failed: readonly RecordedItem[];
  chosen: ReadonlySet<string>;
  onChoose: Dispatch<SetStateAction<ReadonlySet<string>>>;
  /** Whether a pointer is over the rows, so that they must not move. */
  onHold: (isHeld: boolean) => void;
  /** Shows all again, where only one outcome is looked at. */
  onShowAll: (() => void) | null;
};

/** What became of each sandbox, in the order of the plan. Only the rows in sight exist. */
export function ItemTable({ act, items, isReading, failed, chosen, onChoose, onHold, onShowAll }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const router = useRouter();
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => items[index]?.sandboxId ?? index,
    overscan: OVERSCAN,
    initialRect: SERVED_RECT,
  });
  const pick = useCallback(
    (key: string, value: string) =>
      router.push(`${paths.sandboxes()}?${new URLSearchParams({ q: printTerm(metadataTerm(key, value)) })}`),
    [router],
  );
  const toggle = useCallback(
    (sandboxId: string) =>
      onChoose((before) => {
        const next = new Set(before);
        if (!next.delete(sandboxId)) next.add(sandboxId);
        return next;
      }),
    [onChoose],
  );

  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Sandboxes of this operation"
      aria-rowcount={items.length + 1}
      aria-busy={isReading}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it.
      tabIndex={0}
      className="relative min-h-0 flex-1 overflow-auto outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
    >
      <div role="rowgroup" className="sticky top-0 z-20 bg-bg">
        <div
          role="row"
          aria-rowindex={1}
          className={clsx(GRID, 'h-8 border-line border-b text-ink-2 text-small')}
        >
          <div role="columnheader" className="flex items-center">
            <ChooseAll failed={failed} chosen={chosen} onChoose={onChoose} />
          </div>
          <Header>Outcome</Header>
          <Header>Sandbox</Header>
          <Header>Template</Header>
          <Header>Metadata then</Header>
          <Header alignRight>Took</Header>
          <Header>Detail</Header>
        </div>
      </div>
      <div
        role="rowgroup"
        className="relative min-w-[1080px]"
        style={{ height: virtual.getTotalSize() }}
        onPointerEnter={() => onHold(true)}
        onPointerLeave={() => onHold(false)}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = items[index];
          return item ? (
            <ItemRow
              key={item.sandboxId}
              act={act}
              item={item}
              index={index}
              top={start}
              isChosen={chosen.has(item.sandboxId)}
              onToggle={toggle}
              onPick={pick}
            />
          ) : null;
        })}
      </div>
      {items.length === 0 && onShowAll ? (
        <div className="sticky left-0 flex flex-col items-center gap-3 pt-[10vh]">
          <p className="text-ink-2">{isReading ? 'Reading…' : 'None of them has this outcome.'}</p>
          <Button onClick={onShowAll}>Show all</Button>
        </div>
      ) : null}
    </div>
  );
}

function Header({ alignRight, children }: { alignRight?: boolean; children: ReactNode }) {
  return (
    <span role="columnheader" className={clsx('truncate', alignRight && 'text-right')}>
      {children}
    </span>
  );
}

type ChooseAllProps = Pick<Props, 'failed' | 'chosen' | 'onChoose'>;

function ChooseAll({ failed, chosen, onChoose }: ChooseAllProps) {
  const count = useMemo(
    () => failed.filter(({ sandboxId }) => chosen.has(sandboxId)).length,
    [failed, chosen],
  );
  if (failed.length === 0) return <span className="sr-only">Chosen</span>;
  const isAll = count === failed.length;
  return (
    <Checkbox
      aria-label={`Choose all ${failed.length} that failed`}
      title={`Choose all ${failed.length} that failed`}
      checked={isAll}
      onChange={() => onChoose(new Set(isAll ? [] : failed.map(({ sandboxId }) => sandboxId)))}
      isIndeterminate={count > 0 && !isAll}
    />
  );
}

type RowProps = {
  act: SandboxAct;
  item: RecordedItem;
  index: number;
  top: number;
  isChosen: boolean;
  onToggle: (sandboxId: string) => void;
  onPick: (key: string, value: string) => void;
};

const ItemRow = memo(function ItemRow({ act, item, index, top, isChosen, onToggle, onPick }: RowProps) {
  const { sandboxId, outcome, sandbox, tookMs, message, saved } = item;
  const template = templateName(sandbox);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={clsx(
        GRID,
        'group/row absolute left-0 h-[34px] w-full border-line-soft border-b bg-(--row)',
        isChosen ? '[--row:var(--selected)]' : '[--row:var(--bg)] hover:[--row:var(--hover)]',
      )}
      style={{ top }}
    >
      <div role="cell" className="flex items-center">
        {mayRetry(act, outcome) ? (
          <Checkbox
            aria-label={`Choose ${sandboxId}`}
            checked={isChosen}
            onChange={() => onToggle(sandboxId)}
          />
        ) : null}
      </div>
      <div role="cell" className="truncate">
        <OutcomeBadge act={act} outcome={outcome} />
      </div>
      <div role="cell" className="truncate">
        <Link
          href={paths.sandbox(sandboxId)}
          prefetch={false}
          className="font-mono text-small hover:underline"
        >
          {sandboxId}
        </Link>
        <CopyButton
          text={sandboxId}
          label={`Copy ${sandboxId}`}
          className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
        />
      </div>
      <div role="cell" className="truncate">
        <bdi title={template}>{template}</bdi>
      </div>
      <div role="cell" className="fade-end overflow-hidden whitespace-nowrap">
        <MetadataChips metadata={sandbox.metadata} onPick={onPick} />
      </div>
      <div role="cell" className="truncate text-right text-ink-2">
        {tookMs === null ? null : formatTook(tookMs)}
      </div>
      <div role="cell" className="truncate text-ink-2" title={message ?? undefined}>
        {message}
        {message !== null && saved ? ' ' : null}
        {saved ? <ArchiveSummary saved={saved} /> : null}
      </div>
    </div>
  );
});
