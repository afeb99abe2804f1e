'use client';

import { clsx } from 'clsx';
import { useEffect, useMemo, useRef } from 'react';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import type { OutputName, OutputText } from '@/lib/commands/schema';
import { visibleText } from '@/lib/visible-text';

type Props = {
  name: OutputName;
  output: OutputText;
  /** Whether more output may come. Then the view follows the end, unless it was scrolled up. */
  isLive: boolean;
  className?: string;
};

const AT_END_PX = 24;

export function OutputBlock({ name, output, isLive, className }: Props) {
  const { leftOutBytes, totalBytes, isBroken } = output;
  return (
    <section aria-label={name} className={clsx('flex min-w-0 flex-col', className)}>
      <p className="flex flex-wrap gap-x-3 pb-1 text-ink-3 text-small">
        <span className="font-medium text-ink-2">{name}</span>
        <span title={exactBytes(totalBytes)}>{formatBytes(totalBytes)}</span>
        {leftOutBytes > 0 ? <span>{exactBytes(leftOutBytes)} omitted from the middle</span> : null}
        {isBroken ? <span>invalid UTF-8 is shown as �</span> : null}
      </p>
      <OutputPane output={output} isLive={isLive} isMarked={name === 'stderr'} />
    </section>
  );
}

type PaneProps = Pick<Props, 'output' | 'isLive'> & { isMarked?: boolean };

export function OutputPane({ output: { head, tail, leftOutBytes }, isLive, isMarked = false }: PaneProps) {
  const pane = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const before = useMemo(() => visibleText(head, 'block'), [head]);
  const after = useMemo(() => visibleText(tail, 'block'), [tail]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs whenever the text changes.
  useEffect(() => {
    const element = pane.current;
    if (element && isLive && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [before, after, isLive]);
  return (
    <pre
      ref={pane}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable by keyboard.
      tabIndex={0}
      dir="ltr"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - clientHeight - scrollTop < AT_END_PX;
      }}
      className={clsx(
        'max-h-[44vh] min-h-8 overflow-auto whitespace-pre-wrap break-all rounded-md border border-line bg-surface px-3 py-1.5 font-mono text-[12px] leading-[18px] [unicode-bidi:isolate]',
        isMarked && 'border-l-4 border-l-ink-3',
      )}
    >
      {before}
      {leftOutBytes > 0 ? (
        <span className="my-1 block border-line border-y border-dashed py-0.5 text-center font-sans text-ink-3">
          {exactBytes(leftOutBytes)} omitted
        </span>
      ) : null}
      {after}
    </pre>
  );
}
