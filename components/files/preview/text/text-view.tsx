'use client';

import { useEffect, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Strip } from '@/components/ui/strip';
import { ENCODING_NAMES } from '@/lib/files/preview/text/encoding';
import { unlessComposing } from '@/lib/key-events';
import { visibleText } from '@/lib/visible-text';
import { PartBar } from '../part-bar';
import type { PreviewProps } from '../preview-props';
import { CutStrip, NewsStrip, PreviewRefusal, PreviewSkeleton } from '../preview-state';
import { useRetryWhileUnreachable } from '../use-retry';
import { BarButton, BarToggle, ViewControls } from '../view-controls';
import { languageOf } from './languages';
import { TextController, type TextState } from './text-controller';
import { GoToLine, TextFind } from './text-find';

/** A text of any size with line numbers, highlighting, search and live changes. */
export function TextView(props: PreviewProps) {
  const { sandboxKey, entry, head, encoding, sizeBytes, version, isLive, line, wraps, onWrap, onLine } =
    props;
  const place = useRef<HTMLDivElement>(null);
  const [controller, setController] = useState<TextController | null>(null);
  const [state, setState] = useState<TextState | null>(null);
  const [openBar, setOpenBar] = useState<'find' | 'line' | null>(null);
  const firstLine = /^[^\n]{0,200}/.exec(new TextDecoder().decode(head.subarray(0, 200)))?.[0] ?? '';
  const language = languageOf(entry.name, firstLine);
  const latest = useRef({ head, sizeBytes, wraps, line, language });
  latest.current = { head, sizeBytes, wraps, line, language };
  const { path } = entry;
  const shown = useRef({ version, line });
  // A line selected here is already visible.
  const point = useRef((_number: number) => {});
  point.current = (number) => {
    shown.current.line = number;
    onLine(number);
  };

  // The editor is an external system. It is recreated for another file or encoding.
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    const now = latest.current;
    const made = new TextController({
      parent,
      label: `Text of ${visibleText(path)}`,
      sandboxKey,
      path,
      encoding,
      sizeBytes: now.sizeBytes,
      head: now.head,
      wraps: now.wraps,
      line: now.line,
      onState: setState,
      onLine: (number) => point.current(number),
      onFind: () => setOpenBar('find'),
      onGoTo: () => setOpenBar('line'),
    });
    // Highlighting is optional.
    if (now.language) made.editor.setLanguage(now.language).catch(() => {});
    setController(made);
    return () => made.destroy();
  }, [sandboxKey, path, encoding]);

  useEffect(() => {
    controller?.editor.wrap(wraps);
  }, [controller, wraps]);
  useEffect(() => {
    if (controller) controller.isLive = isLive;
  }, [controller, isLive]);

  useEffect(() => {
    if (controller === null || shown.current.version === version) return;
    shown.current.version = version;
    controller.refresh(latest.current.sizeBytes);
  }, [controller, version]);
  useEffect(() => {
    if (controller === null || line === null || shown.current.line === line) return;
    shown.current.line = line;
    void controller.toLine(line);
  }, [controller, line]);

  useRetryWhileUnreachable(state?.failure ?? null, isLive, () => controller?.retry());

  function closeBar(open: TextController) {
    open.setQuery('', { matchesCase: false });
    setOpenBar(null);
    open.editor.view.focus();
  }

  const isReading = (state === null || state.isLoading) && !state?.failure;
  const isEmpty = state !== null && !state.isLoading && state.sizeBytes === 0;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: shortcuts of the whole view.
    <div
      className="flex min-h-0 flex-1 flex-col"
      onKeyDown={unlessComposing((event) => {
        if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
        const requested = { f: 'find', g: 'line' }[event.key.toLowerCase()];
        if (requested === undefined) return;
        event.preventDefault();
        setOpenBar(requested === 'find' ? 'find' : 'line');
      })}
    >
      <ViewControls>
        <BarToggle isOn={wraps} onToggle={() => onWrap(!wraps)} title="Wrap lines">
          Wrap
        </BarToggle>
        <BarToggle
          isOn={openBar === 'find'}
          onToggle={() => setOpenBar(openBar === 'find' ? null : 'find')}
          title="Find in this file (Ctrl F)"
        >
          Find
        </BarToggle>
        <BarButton onClick={() => setOpenBar('line')} title="Go to a line (Ctrl G)">
          Go to line
        </BarButton>
      </ViewControls>
      {controller && state && openBar === 'find' ? (
        <TextFind controller={controller} state={state} onClose={() => closeBar(controller)} />
      ) : null}
      {controller && openBar === 'line' ? (
        <GoToLine controller={controller} onLine={point.current} onClose={() => closeBar(controller)} />
      ) : null}
      {state?.wasCut ? <CutStrip onDismiss={() => controller?.dismissCut()} /> : null}
      {state?.hasNews ? <NewsStrip onShow={() => controller?.showNews()} /> : null}
      {state?.failure && state.isLoading ? (
        <PreviewRefusal
          failure={state.failure}
          acts={<Button onClick={() => controller?.retry()}>Try again</Button>}
        />
      ) : null}
      {state?.failure && !state.isLoading && isLive ? (
        <Strip
          isDense
          actions={
            <Button className="h-7!" onClick={() => controller?.retry()}>
              Try again
            </Button>
          }
        >
          {state.failure.message} <span className="text-ink-2">Showing the last known content.</span>
        </Strip>
      ) : null}
      {isEmpty ? <p className="px-5 py-4 text-ink-2">This file is empty.</p> : null}
      {/* The editor is laid out while loading, because it must measure a line before there are many. */}
      <div
        className={
          state?.isLoading && state.failure
            ? 'h-0 overflow-hidden'
            : `relative min-h-0 flex-1 overflow-hidden ${isEmpty ? 'invisible' : ''}`
        }
      >
        <div ref={place} className={isReading ? 'invisible h-full' : 'h-full'} />
        {isReading ? (
          <div className="absolute inset-0 flex flex-col">
            <PreviewSkeleton />
          </div>
        ) : null}
      </div>
      {state?.isPart && controller ? <PartBar controller={controller} state={state} isLive={isLive} /> : null}
      {state === null || state.isLoading ? null : (
        <footer className="flex h-7 shrink-0 items-center gap-4 overflow-hidden whitespace-nowrap border-line border-t px-5 text-ink-3 text-small">
          <span>
            Line {state.cursor.line?.toLocaleString('en') ?? 'unknown'}, column {state.cursor.column}
          </span>
          <span>{linesText(state)}</span>
          <span className="ml-auto">{ENCODING_NAMES[encoding]}</span>
          {language ? <span>{language.name}</span> : null}
        </footer>
      )}
    </div>
  );
}

function linesText({ lines, toByte, sizeBytes, isPart }: TextState): string {
  if (lines !== null) return `${lines.toLocaleString('en')} ${lines === 1 ? 'line' : 'lines'}`;
  return isPart ? '' : `Reading… ${formatBytes(toByte)} of ${formatBytes(sizeBytes)}`;
}
