'use client';

import { type FormEvent, type KeyboardEvent, useEffect, useReducer, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Input } from '@/components/ui/field';
import { Strip } from '@/components/ui/strip';
import { ApiFailure } from '@/lib/api-client';
import { ByteBlocks } from '@/lib/files/preview/text/byte-blocks';
import { HEX_COLUMNS, hexLine, hexOffset, parseOffset, ScaledScroll } from '@/lib/files/preview/text/hex';
import { readBytes } from '@/lib/files/transfer/read-bytes';
import { unlessComposing } from '@/lib/key-events';
import type { PreviewProps } from '../preview-props';
import { useRetryWhileUnreachable } from '../use-retry';
import { ViewControls } from '../view-controls';

const LINE_PX = 20;

/** A hex dump that reads only the visible bytes. */
export function HexView({ sandboxKey, entry, sizeBytes, version, isLive }: PreviewProps) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [wantedTop, setTop] = useState(0);
  const [windowPx, setWindowPx] = useState(600);
  const [wanted, setWanted] = useState('');
  const [marked, setMarked] = useState<number | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const { path } = entry;

  const read = (start: number, end: number) =>
    readBytes(sandboxKey, path, { start, end }).then(({ bytes }) => bytes);
  const [blocks] = useState(
    () =>
      new ByteBlocks(read, (thrown) => {
        setFailure(thrown === null ? null : ApiFailure.from(thrown));
        redraw();
      }),
  );
  const shownVersion = useRef(version);
  useEffect(() => {
    if (shownVersion.current === version || !isLive) return;
    shownVersion.current = version;
    void blocks.renew((start, end) => readBytes(sandboxKey, path, { start, end }).then(({ bytes }) => bytes));
  }, [blocks, version, isLive, sandboxKey, path]);

  useRetryWhileUnreachable(failure, isLive, () => blocks.retry());

  const lines = Math.max(1, Math.ceil(sizeBytes / HEX_COLUMNS));
  const scroll = new ScaledScroll(lines, LINE_PX);
  // The file may have been cut.
  const top = Math.min(wantedTop, scroll.lastTop(windowPx));
  const shown = Math.min(Math.ceil(windowPx / LINE_PX) + 1, lines - top);
  const latest = useRef({ scroll, top, windowPx });
  latest.current = { scroll, top, windowPx };

  function goTo(line: number) {
    const next = Math.min(Math.max(Math.round(line), 0), scroll.lastTop(windowPx));
    setTop(next);
    const element = scroller.current;
    if (element) element.scrollTop = scroll.scrollTopOf(next, windowPx);
  }
  const go = useRef(goTo);
  go.current = goTo;

  // The observer and the wheel listener are external to React.
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() => setWindowPx(element.clientHeight));
    sizes.observe(element);
    // Native wheel scrolling would skip thousands of lines of a scaled list.
    const onWheel = (event: WheelEvent) => {
      if (!latest.current.scroll.isScaled || event.deltaY === 0 || event.ctrlKey) return;
      event.preventDefault();
      const by = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY : event.deltaY / LINE_PX;
      go.current(latest.current.top + Math.sign(by) * Math.max(1, Math.abs(Math.round(by))));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      sizes.disconnect();
      element.removeEventListener('wheel', onWheel);
    };
  }, []);

  function onScroll() {
    const element = scroller.current;
    if (element === null) return;
    const isOurs = Math.abs(scroll.scrollTopOf(top, windowPx) - element.scrollTop) < 1;
    if (!isOurs) setTop(scroll.lineAt(element.scrollTop, windowPx));
  }

  function onKeyDown(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(windowPx / LINE_PX) - 1);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const step = steps[event.key];
    if (step !== undefined) goTo(top + step);
    else if (event.key === 'Home') goTo(0);
    else if (event.key === 'End') goTo(lines);
    else return;
    event.preventDefault();
  }

  function goToOffset(event: FormEvent) {
    event.preventDefault();
    const offset = parseOffset(wanted);
    if (offset === null) return;
    const bounded = Math.min(offset, Math.max(0, sizeBytes - 1));
    setMarked(Math.floor(bounded / HEX_COLUMNS));
    goTo(Math.floor(bounded / HEX_COLUMNS) - 2);
  }

  const isWrong = wanted !== '' && parseOffset(wanted) === null;
  return (
    <>
      <ViewControls>
        <form onSubmit={goToOffset} className="flex items-center gap-1">
          <Input
            aria-label="Go to offset"
            placeholder="Offset, 0x…"
            aria-invalid={isWrong}
            title={isWrong ? 'Enter an offset such as 4096, 0x1000 or 1000h' : 'Go to an offset'}
            value={wanted}
            spellCheck={false}
            autoComplete="off"
            onChange={({ currentTarget }) => setWanted(currentTarget.value)}
            className="h-7! w-28 font-mono text-small"
          />
          <Button
            type="submit"
            className="h-7!"
            unavailable={parseOffset(wanted) === null ? 'Enter an offset, such as 4096 or 0x1000.' : null}
          >
            Go
          </Button>
        </form>
      </ViewControls>
      {failure !== null && isLive ? (
        <Strip
          isDense
          actions={
            <Button className="h-7!" onClick={() => blocks.retry()}>
              Try again
            </Button>
          }
        >
          {failure.message} <span className="text-ink-2">Showing the last known content.</span>
        </Strip>
      ) : null}
      {sizeBytes === 0 ? <p className="px-5 py-4 text-ink-2">This file is empty.</p> : null}
      <div
        translate="no"
        ref={scroller}
        role="group"
        aria-label="Bytes"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable by keyboard.
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={unlessComposing(onKeyDown)}
        className="min-h-0 flex-1 overflow-auto font-mono text-[12.5px] outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
      >
        <div style={{ height: scroll.heightPx }} className="min-w-max">
          <div
            className="sticky top-0 overflow-hidden"
            style={{ height: Math.min(windowPx, scroll.heightPx) }}
          >
            {sizeBytes === 0
              ? null
              : Array.from({ length: Math.max(0, shown) }, (_, at) => top + at).map((line) => (
                  <HexLine
                    key={line}
                    offset={line * HEX_COLUMNS}
                    sizeBytes={sizeBytes}
                    bytes={blocks.slice(line * HEX_COLUMNS, HEX_COLUMNS)}
                    isMarked={line === marked}
                  />
                ))}
          </div>
        </div>
      </div>
    </>
  );
}

type HexLineProps = { offset: number; sizeBytes: number; bytes: Uint8Array | null; isMarked: boolean };

function HexLine({ offset, sizeBytes, bytes, isMarked }: HexLineProps) {
  const { hex, ascii } = hexLine(bytes ?? new Uint8Array());
  return (
    <div
      className="flex gap-6 whitespace-pre px-5 data-marked:bg-selected"
      data-marked={isMarked ? '' : undefined}
      style={{ height: LINE_PX }}
    >
      <span className="text-ink-3">{hexOffset(offset, sizeBytes)}</span>
      {bytes === null ? (
        <span className="my-1.5 w-[48ch] animate-pulse rounded-full bg-line-soft" />
      ) : (
        <span>{hex}</span>
      )}
      <span className="text-ink-2">{ascii}</span>
    </div>
  );
}
