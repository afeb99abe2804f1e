'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { exactBytes, formatBytes } from '@/components/ui/bytes';
import { unlessComposing } from '@/lib/key-events';
import type { TextController, TextState } from './text/text-controller';

type Props = { controller: TextController; state: TextState; isLive: boolean };

export function PartBar({ controller, state, isLive }: Props) {
  const { fromByte, toByte, sizeBytes, isNumbered, seeking } = state;
  const [dragged, setDragged] = useState<number | null>(null);
  const reason = isLive ? null : 'The sandbox is not running.';
  const jump = () => {
    if (dragged === null) return;
    void controller.toByte(dragged);
    setDragged(null);
  };
  return (
    <section
      aria-label="Part of the file"
      className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-line border-t px-5 py-1"
    >
      <Button
        className="h-7!"
        unavailable={reason ?? (fromByte === 0 ? 'This is the start of the file.' : null)}
        onClick={() => void controller.toStart()}
      >
        Start
      </Button>
      <input
        type="range"
        aria-label="Position in the file"
        aria-valuetext={`${formatBytes(dragged ?? fromByte)} of ${formatBytes(sizeBytes)}`}
        disabled={!isLive}
        min={0}
        max={sizeBytes}
        step={Math.max(1, Math.floor(sizeBytes / 1000))}
        value={dragged ?? fromByte}
        onChange={({ currentTarget }) => setDragged(Number(currentTarget.value))}
        onPointerUp={jump}
        onKeyUp={unlessComposing(jump)}
        className="min-w-24 flex-1 basis-40 accent-accent"
      />
      <Button
        className="h-7!"
        unavailable={reason ?? (toByte >= sizeBytes ? 'This is the end of the file.' : null)}
        onClick={() => void controller.toEnd()}
      >
        End
      </Button>
      <span className="basis-full text-ink-2 text-small md:basis-auto" title={exactBytes(sizeBytes)}>
        {dragged === null
          ? `Showing ${formatBytes(fromByte)} to ${formatBytes(toByte)} of ${formatBytes(sizeBytes)}. Scroll to load more`
          : `Go to ${formatBytes(dragged)} of ${formatBytes(sizeBytes)}`}
        {isNumbered ? '' : '. Line numbers are unknown until the text before is read'}
        {seeking?.what === 'line' ? `. Counting lines… ${formatBytes(seeking.doneBytes)} ` : ''}
      </span>
      {seeking ? (
        <Button className="h-7!" onClick={() => controller.stop()}>
          Stop
        </Button>
      ) : null}
    </section>
  );
}
