'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import {
  type CSSProperties,
  type Dispatch,
  memo,
  type ReactNode,
  type SetStateAction,
  useCallback,
  useEffect,
  useMemo,
  useRef,
} from 'react';
import { useNamesConnections } from '@/components/data/use-connections';
import { ArchiveSummary } from '@/components/operations/archive-summary';
import { OutcomeBadge } from '@/components/operations/outcome';
import { SandboxName } from '@/components/sandbox/connection-name';
import { FittedChips, type ShowMore, useMoreMetadata } from '@/components/sandbox/metadata-chips';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { CopyButton } from '@/components/ui/copy-button';
import { formatTook } from '@/components/ui/duration';
import { useIsPhone } from '@/components/ui/use-is-phone';
import { useWidth } from '@/components/ui/use-width';
import { Visible } from '@/components/ui/visible-text';
import { metadataTerm } from '@/lib/fleet/filter/filter';
import { printTerm } from '@/lib/fleet/filter/print';
import { mayRetry, type RecordedItem } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import type { SandboxAct } from '@/lib/sandbox/can';
import { templateName } from '@/lib/sandbox/name';
import { idOf, type SandboxKey } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';

const ROW_PX = 34;
const OVERSCAN = 3;
/** For server rendering. The browser measures. */
const SERVED_RECT = { width: 1280, height: 1100 };
/** On a phone, the cells of a row take several lines, of which the last one is a message of any length. */
const GRID =
  'grid min-w-(--table) grid-cols-(--tracks) items-center gap-4 px-5 group-data-phone/items:min-w-0 group-data-phone/items:grid-cols-[16px_minmax(0,1fr)_auto] group-data-phone/items:gap-x-3 group-data-phone/items:gap-y-0.5';
const ON_LINE_1 = 'group-data-phone/items:row-start-1';
const ON_LINE_2 = 'group-data-phone/items:row-start-2';
const WHOLE_LINE = 'group-data-phone/items:col-span-2 group-data-phone/items:col-start-2';
/** Makes a checkbox as large as a thumb needs. */
const HIT_AREA = '-m-1.5 flex p-1.5';
const NOT_ON_PHONE = 'group-data-phone/items:sr-only';

const MIN_PX = 1120;
/** The padding, the gaps and the columns of a fixed width. */
const FIXED_PX = 672;
/** The padding, the gap and the checkbox beside the column of metadata on a phone. */
const PHONE_FIXED_PX = 68;
/** Without a message. */
const PHONE_ROW_PX = 79;
/** The width of the name of a connection before an id. */
const CONNECTION_PX = 80;

/** The least width of the table and its columns, for `GRID`. */
function tracksOf(connectionPx: number): CSSProperties {
  return {
    '--table': `${MIN_PX + connectionPx}px`,
    '--tracks': `16px 168px ${184 + connectionPx}px 104px minmax(240px, 6fr) 64px minmax(200px, 5fr)`,
  } as CSSProperties;
}

/** The width of the column of metadata, px, in steps, so that a change of the window's size seldom draws the rows again. */
function metadataWidth(tablePx: number, connectionPx: number, isPhone: boolean): number {
  const px = isPhone
    ? tablePx - PHONE_FIXED_PX
    : ((Math.max(tablePx - connectionPx, MIN_PX) - FIXED_PX) * 6) / 11;
  return px - (px % 8);
}

type Props = {
  act: SandboxAct;
  items: readonly RecordedItem[];
  /** The metadata keys that tell no sandbox of the operation apart. They are shown last. */
  sharedKeys: ReadonlySet<string>;
  isReading: boolean;
  /** The items that can be retried. */
  failed: readonly RecordedItem[];
  selected: ReadonlySet<SandboxKey>;
  onSelect: Dispatch<SetStateAction<ReadonlySet<SandboxKey>>>;
  /** Called with true while the pointer is over the rows, so that they do not move. */
  onHold: (isHeld: boolean) => void;
  /** Clears the outcome filter; `null`: none is set. */
  onShowAll: (() => void) | null;
  /** Why archives cannot be downloaded, or `null`. */
  archiveReason: string | null;
};

/** The outcome of each sandbox in plan order, virtualized. */
export function ItemTable({
  act,
  items,
  sharedKeys,
  isReading,
  failed,
  selected,
  onSelect,
  onHold,
  onShowAll,
  archiveReason,
}: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const router = useRouter();
  const isPhone = useIsPhone();
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isPhone ? PHONE_ROW_PX : ROW_PX),
    getItemKey: (index) => items[index]?.sandboxKey ?? index,
    overscan: OVERSCAN,
    initialRect: SERVED_RECT,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer keeps the heights of the other layout.
  useEffect(() => virtual.measure(), [isPhone, virtual]);
  const pick = useCallback(
    (key: string, value: string) =>
      router.push(`${paths.sandboxes()}?${new URLSearchParams({ q: printTerm(metadataTerm(key, value)) })}`),
    [router],
  );
  const more = useMoreMetadata(pick);
  const connectionPx = useNamesConnections() ? CONNECTION_PX : 0;
  const metadataPx = metadataWidth(useWidth(scroller, SERVED_RECT.width), connectionPx, isPhone);
  const toggle = useCallback(
    (sandboxKey: SandboxKey) =>
      onSelect((before) => {
        const next = new Set(before);
        if (!next.delete(sandboxKey)) next.add(sandboxKey);
        return next;
      }),
    [onSelect],
  );

  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Sandboxes of this operation"
      aria-rowcount={items.length + 1}
      aria-busy={isReading}
      data-phone={isPhone ? '' : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
      tabIndex={0}
      style={tracksOf(connectionPx)}
      className="group/items relative min-h-0 flex-1 overflow-auto outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
    >
      <div role="rowgroup" className="sticky top-0 z-20 bg-bg">
        <div
          role="row"
          aria-rowindex={1}
          className={clsx(GRID, 'h-8 border-line border-b text-ink-2 text-small')}
        >
          <div role="columnheader" className="flex items-center">
            <SelectAll failed={failed} selected={selected} onSelect={onSelect} />
          </div>
          <Header>Outcome</Header>
          <Header className={NOT_ON_PHONE}>Sandbox</Header>
          <Header className={NOT_ON_PHONE}>Template</Header>
          <Header className={NOT_ON_PHONE}>Metadata at the time</Header>
          <Header className="text-right">Duration</Header>
          <Header className={NOT_ON_PHONE}>Details</Header>
        </div>
      </div>
      <div
        role="rowgroup"
        className="relative min-w-(--table) group-data-phone/items:min-w-0"
        style={{ height: virtual.getTotalSize() }}
        onPointerEnter={() => onHold(true)}
        onPointerLeave={() => onHold(false)}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = items[index];
          return item ? (
            <ItemRow
              key={item.sandboxKey}
              act={act}
              item={item}
              index={index}
              top={start}
              onMeasure={isPhone ? virtual.measureElement : undefined}
              isSelected={selected.has(item.sandboxKey)}
              onToggle={toggle}
              onPick={pick}
              onMore={more.showMore}
              metadataPx={metadataPx}
              sharedKeys={sharedKeys}
              archiveReason={archiveReason}
            />
          ) : null;
        })}
      </div>
      {items.length === 0 && onShowAll ? (
        <div className="sticky left-0 flex flex-col items-center gap-3 pt-[10vh]">
          <p className="text-ink-2">{isReading ? 'Reading…' : 'No sandboxes have this outcome.'}</p>
          <Button onClick={onShowAll}>Show all</Button>
        </div>
      ) : null}
      {more.popover}
    </div>
  );
}

function Header({ className, children }: { className?: string; children: ReactNode }) {
  return (
    <span role="columnheader" className={clsx('truncate', className)}>
      {children}
    </span>
  );
}

type SelectAllProps = Pick<Props, 'failed' | 'selected' | 'onSelect'>;

function SelectAll({ failed, selected, onSelect }: SelectAllProps) {
  const count = useMemo(
    () => failed.filter(({ sandboxKey }) => selected.has(sandboxKey)).length,
    [failed, selected],
  );
  if (failed.length === 0) return <span className="sr-only">Selected</span>;
  const isAll = count === failed.length;
  return (
    <label className={HIT_AREA}>
      <Checkbox
        aria-label={`Select all ${failed.length} failed`}
        title={`Select all ${failed.length} failed`}
        checked={isAll}
        onChange={() => onSelect(new Set(isAll ? [] : failed.map(({ sandboxKey }) => sandboxKey)))}
        isIndeterminate={count > 0 && !isAll}
      />
    </label>
  );
}

type RowProps = {
  act: SandboxAct;
  item: RecordedItem;
  index: number;
  top: number;
  /** Measures the row, whose height depends on its content. */
  onMeasure: ((row: HTMLElement | null) => void) | undefined;
  isSelected: boolean;
  onToggle: (sandboxKey: SandboxKey) => void;
  onPick: (key: string, value: string) => void;
  onMore: ShowMore;
  /** The width of the column of metadata, px. */
  metadataPx: number;
  sharedKeys: ReadonlySet<string>;
  archiveReason: string | null;
};

const ItemRow = memo(function ItemRow(props: RowProps) {
  const { act, item, index, top, isSelected, onToggle, archiveReason } = props;
  const { sandboxKey, outcome, sandbox, tookMs, message, saved } = item;
  const template = templateName(sandbox);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      ref={props.onMeasure}
      data-index={index}
      className={clsx(
        GRID,
        'group/row absolute left-0 h-[34px] w-full border-line-soft border-b bg-(--row) group-data-phone/items:h-auto group-data-phone/items:py-1.5',
        isSelected ? '[--row:var(--selected)]' : '[--row:var(--bg)] hover:[--row:var(--hover)]',
      )}
      style={{ top }}
    >
      <div role="cell" className={clsx('flex items-center', ON_LINE_1)}>
        {mayRetry(act, outcome) ? (
          <label className={HIT_AREA}>
            <Checkbox
              aria-label={`Select ${idOf(sandboxKey)}`}
              checked={isSelected}
              onChange={() => onToggle(sandboxKey)}
            />
          </label>
        ) : null}
      </div>
      <div role="cell" className={clsx('truncate', ON_LINE_1)}>
        <OutcomeBadge act={act} outcome={outcome} />
      </div>
      <div role="cell" className={clsx('truncate group-data-phone/items:col-start-2', ON_LINE_2)}>
        <Link
          translate="no"
          href={paths.sandbox(sandboxKey)}
          prefetch={false}
          className="text-small hover:underline"
        >
          <SandboxName sandboxKey={sandboxKey} />
        </Link>
        <CopyButton
          text={idOf(sandboxKey)}
          label={`Copy ${idOf(sandboxKey)}`}
          className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
        />
      </div>
      <div
        role="cell"
        className={clsx(
          'truncate group-data-phone/items:col-start-3 group-data-phone/items:text-right',
          ON_LINE_2,
        )}
      >
        <Visible text={template} title />
      </div>
      <div role="cell" className={clsx('overflow-hidden group-data-phone/items:row-start-3', WHOLE_LINE)}>
        <FittedChips
          metadata={sandbox.metadata}
          last={props.sharedKeys}
          widthPx={props.metadataPx}
          onPick={props.onPick}
          onMore={props.onMore}
        />
      </div>
      <div role="cell" className={clsx('truncate text-right text-ink-2', ON_LINE_1)}>
        {tookMs === null ? null : formatTook(tookMs)}
      </div>
      <div
        role="cell"
        className={clsx(
          'truncate text-ink-2 group-data-phone/items:whitespace-normal group-data-phone/items:break-words group-data-phone/items:empty:hidden',
          WHOLE_LINE,
        )}
        title={message === null ? undefined : visibleText(message)}
      >
        {message === null ? null : <Visible text={message} />}
        {message !== null && saved ? ' ' : null}
        {saved ? <ArchiveSummary saved={saved} reason={archiveReason} /> : null}
      </div>
    </div>
  );
});
