'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { Fragment, type ReactNode, useEffect, useRef } from 'react';
import { useNamesConnections } from '@/components/data/use-connections';
import { SandboxName } from '@/components/sandbox/connection-name';
import { MetadataText } from '@/components/sandbox/metadata-chips';
import { STATES } from '@/components/sandbox/state-badge';
import { SandboxAge } from '@/components/sandbox/time-left';
import { useIsPhone } from '@/components/ui/use-is-phone';
import { Visible } from '@/components/ui/visible-text';
import { firstStartOf, templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';

const ROW_PX = 30;
/** Two lines: the metadata has no room beside the id. */
const PHONE_ROW_PX = 50;
/** In a low window, this many rows stay in sight and the dialog scrolls. */
const MIN_ROWS_IN_SIGHT = 4;
const BORDER_PX = 2;
/** Longer values would not be visible. Metadata is untrusted and may be very long. */
const MAX_VALUE_CHARS = 80;
const MAX_ENTRIES = 12;

type Props = {
  sandboxes: readonly Sandbox[];
  label: string;
  /** The metadata keys to show, most distinguishing first. */
  keys: readonly string[];
  /** The end of a row. Absent: the age. */
  renderEnd?: (sandbox: Sandbox) => ReactNode;
  /** Whether it is not a direct child of the dialog, whose height it then cannot fill. */
  isNested?: boolean;
};

/** Takes the height that the dialog has left. Its edges are shaded where it scrolls. */
export function PlanList({ sandboxes, label, keys, renderEnd, isNested = false }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const isNamed = useNamesConnections();
  const rowPx = useIsPhone() ? PHONE_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: sandboxes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => sandboxes[index]?.key ?? index,
    overscan: 4,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer keeps the heights of the other layout.
  useEffect(() => virtual.measure(), [rowPx, virtual]);
  return (
    <section
      ref={scroller}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
      tabIndex={0}
      style={{
        height: rowPx * sandboxes.length + BORDER_PX,
        minHeight: rowPx * Math.min(MIN_ROWS_IN_SIGHT, sandboxes.length) + BORDER_PX,
      }}
      className={clsx(
        'scroll-shadows shrink overflow-y-auto rounded-md border border-line',
        isNested && 'max-h-[38dvh]',
      )}
    >
      <ul className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const sandbox = sandboxes[index];
          return sandbox ? (
            <li
              key={key}
              aria-posinset={index + 1}
              aria-setsize={sandboxes.length}
              style={{ top: start, height: rowPx }}
              className={clsx(
                'absolute grid w-full grid-cols-[8px_minmax(0,1fr)_auto] content-center items-center gap-x-3 px-3',
                isNamed
                  ? 'sm:grid-cols-[8px_252px_80px_minmax(0,1fr)_auto]'
                  : 'sm:grid-cols-[8px_164px_96px_minmax(0,1fr)_auto]',
                index > 0 && 'border-line/60 border-t',
              )}
            >
              <Row sandbox={sandbox} keys={keys} renderEnd={renderEnd} />
            </li>
          ) : null;
        })}
      </ul>
    </section>
  );
}

type RowProps = Pick<Props, 'keys'> & { sandbox: Sandbox; renderEnd: Props['renderEnd'] | undefined };

function Row({ sandbox, keys, renderEnd }: RowProps) {
  const { name, dot } = STATES[sandbox.state];
  const template = templateName(sandbox);
  return (
    <>
      <span title={name} className={clsx('size-2 rounded-full', dot)}>
        <span className="sr-only">{name}</span>
      </span>
      <SandboxName sandboxKey={sandbox.key} className="truncate text-small" />
      <Visible text={template} title className="hidden truncate sm:block" />
      <span
        translate="no"
        className="truncate font-mono text-ink-2 text-small max-sm:col-span-2 max-sm:col-start-2 max-sm:row-start-2"
      >
        {ownKeys(sandbox, keys).map((key) => (
          <Fragment key={key}>
            <MetadataText entry={[key, sandbox.metadata[key] ?? '']} maxChars={MAX_VALUE_CHARS} />{' '}
          </Fragment>
        ))}
      </span>
      <span className="text-right text-ink-2">
        {renderEnd?.(sandbox) ?? (
          <SandboxAge sandbox={sandbox} sinceMs={firstStartOf(sandbox)} nowMs={firstStartOf(sandbox) ?? 0} />
        )}
      </span>
    </>
  );
}

function ownKeys({ metadata }: Sandbox, keys: readonly string[]): string[] {
  const own: string[] = [];
  for (const key of keys) {
    if (own.length === MAX_ENTRIES) break;
    if (Object.hasOwn(metadata, key)) own.push(key);
  }
  return own;
}
