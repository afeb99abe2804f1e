import {
  columnOrderingFeature,
  columnVisibilityFeature,
  createColumnHelper,
  tableFeatures,
} from '@tanstack/react-table';
import type { MouseEvent, ReactNode } from 'react';
import { ConnectionTag } from '@/components/sandbox/connection-name';
import { FittedChips, type ShowMore } from '@/components/sandbox/metadata-chips';
import { formatSize } from '@/components/sandbox/size';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Age, TimeLeft, Unknown } from '@/components/sandbox/time-left';
import { CopyButton } from '@/components/ui/copy-button';
import { LocalTime } from '@/components/ui/local-time';
import { Visible } from '@/components/ui/visible-text';
import type { ShownConnection } from '@/lib/connection';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { parseSort, type SortKey } from '@/lib/fleet/sort';
import { paths } from '@/lib/paths';
import { isProtected, type SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CONNECTION_COLUMN } from './column-choice';

export type CellContext = {
  nowMs: number;
  act: SandboxAct | undefined;
  isGone: boolean;
  /** Whether this is the active row. Tab visits only its controls. */
  isActive: boolean;
  /** The metadata key that protects a sandbox from bulk actions. */
  protectedKey: string;
  /** Metadata keys shown as columns of their own. */
  keyColumns: ReadonlySet<string>;
  connections: readonly ShownConnection[];
  /** Metadata keys of which the filter leaves one value: they tell the rows apart no more. */
  filteredKeys: ReadonlySet<string>;
  onPick: (key: string, value: string) => void;
  /** Shows all metadata of a sandbox beside the number of the hidden ones. */
  onMore: ShowMore;
  onOpen: (sandbox: Sandbox) => void;
};

export type FleetColumn = {
  title: string;
  /** Minimum width. */
  widthPx: number;
  /** Takes the remaining width. */
  grows?: boolean;
  alignRight?: boolean;
  sortKey?: SortKey;
  /** `widthPx`: of the cell as it is drawn. */
  draw: (row: IndexedSandbox, context: CellContext, widthPx: number) => ReactNode;
};

export type ShownColumn = FleetColumn & {
  id: string;
  /** Whether a person has chosen the width. */
  isChosen?: boolean;
};

export const FLEET_COLUMNS: Readonly<Record<string, FleetColumn>> = {
  state: {
    title: 'State',
    widthPx: 92,
    sortKey: 'state',
    draw: ({ sandbox }, { act, isGone }) => <StateBadge state={sandbox.state} act={act} isGone={isGone} />,
  },
  id: {
    title: 'Sandbox',
    widthPx: 200,
    sortKey: 'id',
    draw: ({ sandbox }, { onOpen, isActive, protectedKey }) => (
      <>
        <a
          translate="no"
          href={paths.sandbox(sandbox.key)}
          tabIndex={isActive ? 0 : -1}
          onClick={(event) => openHere(event, () => onOpen(sandbox))}
          className="font-mono text-small hover:underline"
        >
          {sandbox.id}
        </a>
        {isProtected(sandbox, protectedKey) ? <Lock protectedKey={protectedKey} /> : null}
        <CopyButton
          text={sandbox.id}
          label={`Copy ${sandbox.id}`}
          tabIndex={isActive ? 0 : -1}
          className="ml-1 align-middle opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100"
        />
      </>
    ),
  },
  [CONNECTION_COLUMN]: {
    title: 'Connection',
    widthPx: 120,
    sortKey: 'connection',
    draw: ({ connection }, { connections }) => (
      <ConnectionTag name={connection} among={connections} className="max-w-full align-middle" />
    ),
  },
  template: {
    title: 'Template',
    widthPx: 112,
    sortKey: 'template',
    draw: ({ templateName }) => <Visible text={templateName} title />,
  },
  metadata: {
    title: 'Metadata',
    widthPx: 220,
    grows: true,
    draw: ({ sandbox }, { keyColumns, filteredKeys, onPick, onMore, isActive }, widthPx) => (
      <FittedChips
        metadata={sandbox.metadata}
        without={keyColumns}
        last={filteredKeys}
        widthPx={widthPx}
        onPick={onPick}
        onMore={onMore}
        isTabStop={isActive}
      />
    ),
  },
  age: {
    title: 'Age',
    widthPx: 68,
    alignRight: true,
    sortKey: 'age',
    draw: ({ firstStartMs }, { nowMs }) => <Age sinceMs={firstStartMs} nowMs={nowMs} />,
  },
  up: {
    title: 'Up for',
    widthPx: 68,
    alignRight: true,
    sortKey: 'up',
    draw: ({ upSinceMs }, { nowMs }) => <Age sinceMs={upSinceMs} nowMs={nowMs} />,
  },
  left: {
    title: 'Time left',
    widthPx: 122,
    alignRight: true,
    sortKey: 'left',
    draw: ({ startedMs, deadlineMs }, { nowMs }) => (
      <TimeLeft startedAtMs={startedMs} deadlineMs={deadlineMs} nowMs={nowMs} withBar />
    ),
  },
  size: {
    title: 'Size',
    widthPx: 124,
    alignRight: true,
    sortKey: 'size',
    draw: ({ sandbox }) => formatSize(sandbox),
  },
  started: {
    title: 'Started',
    widthPx: 240,
    sortKey: 'started',
    draw: ({ startedMs }) =>
      startedMs === null ? <Unknown /> : <LocalTime ms={startedMs} className="text-ink-2" />,
  },
};

function Lock({ protectedKey }: { protectedKey: string }) {
  return (
    <span
      role="img"
      aria-label="Protected"
      title={`Protected by metadata ${protectedKey}=true. Bulk actions do not pause or kill it.`}
      className="icon icon-lock ml-1.5 size-3! align-[-1px] text-ink-2"
    />
  );
}

/** Navigates in the app, but leaves clicks with a modifier key to the browser. `Link` costs more per row. */
function openHere(event: MouseEvent, open: () => void): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open();
}

const KEY_PREFIX = 'meta:';

/** The id of the column of a metadata key. */
export function keyColumnId(key: string): string {
  return `${KEY_PREFIX}${key}`;
}

/** The metadata key that a column shows, or `null` for a built-in column. */
export function keyOfColumn(id: string): string | null {
  return id.startsWith(KEY_PREFIX) ? id.slice(KEY_PREFIX.length) : null;
}

/** The column with this id, built-in or of a metadata key. */
export function fleetColumn(id: string): FleetColumn | null {
  const key = keyOfColumn(id);
  if (key === null) return Object.hasOwn(FLEET_COLUMNS, id) ? (FLEET_COLUMNS[id] ?? null) : null;
  const sortKey = parseSort(id)?.key;
  return {
    title: key,
    widthPx: 128,
    ...(sortKey ? { sortKey } : {}),
    draw: ({ sandbox }) => {
      const value = Object.hasOwn(sandbox.metadata, key) ? sandbox.metadata[key] : undefined;
      return value === undefined ? <span className="text-ink-3">–</span> : <Visible text={value} title />;
    },
  };
}

const GAP_PX = 16;
const SIDE_PX = 20;
const CHECKBOX_PX = 16;
const ACTIONS_PX = 40;

/** The minimum width of the grid, px, and its CSS tracks: the checkbox, the columns, the action menu. */
export function gridOf(columns: readonly FleetColumn[]): { minWidth: number; tracks: string } {
  const widths = [CHECKBOX_PX, ...columns.map(({ widthPx }) => widthPx), ACTIONS_PX];
  const isFilled = columns.some(({ grows }) => grows);
  return {
    minWidth: widths.reduce((sum, width) => sum + width, 2 * SIDE_PX + GAP_PX * (widths.length - 1)),
    tracks: [
      `${CHECKBOX_PX}px`,
      ...columns.map(({ widthPx, grows }) => (grows ? `minmax(${widthPx}px, 1fr)` : `${widthPx}px`)),
      isFilled ? `${ACTIONS_PX}px` : `minmax(${ACTIONS_PX}px, 1fr)`,
    ].join(' '),
  };
}

/** The table library manages only the columns. Rows are plain arrays, filtered and sorted here. */
export const fleetTableFeatures = tableFeatures({ columnOrderingFeature, columnVisibilityFeature });
export const fleetColumnHelper = createColumnHelper<typeof fleetTableFeatures, IndexedSandbox>();
