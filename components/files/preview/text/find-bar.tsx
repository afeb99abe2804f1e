'use client';

import { type FormEvent, type KeyboardEvent, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Checkbox } from '@/components/ui/checkbox';
import { Input } from '@/components/ui/field';
import type { TextController, TextState } from './text-controller';

type Props = {
  asks: 'find' | 'line';
  controller: TextController;
  state: TextState;
  onLine: (line: number) => void;
  onClose: () => void;
};

/** Asks what to find, or which line to go to. */
export function FindBar({ asks, controller, state, onLine, onClose }: Props) {
  const [text, setText] = useState('');
  const [matchesCase, setMatchesCase] = useState(false);
  const { seeking, found } = state;
  const isFind = asks === 'find';
  const noText = text !== '' ? null : isFind ? 'Enter text to find.' : 'Enter a line number.';

  function look(next: string, isExact: boolean) {
    setText(next);
    setMatchesCase(isExact);
    if (isFind) controller.look(next, { matchesCase: isExact });
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isFind) void controller.find(1);
    else {
      const line = Number.parseInt(text.replaceAll(/[,\s]/g, ''), 10);
      if (!(line > 0)) return;
      void controller.toLine(line);
      onLine(line);
      onClose();
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape') {
      event.stopPropagation();
      if (seeking) controller.stop();
      else onClose();
    } else if (event.key === 'Enter' && event.shiftKey && isFind) {
      event.preventDefault();
      void controller.find(-1);
    }
  }

  return (
    <search className="shrink-0 border-line border-b">
      <form
        onSubmit={submit}
        onKeyDown={onKeyDown}
        className="flex min-h-11 flex-wrap items-center gap-x-2 gap-y-1 px-5 py-1"
      >
        <Input
          autoFocus
          aria-label={isFind ? 'Find in this file' : 'Line to go to'}
          placeholder={isFind ? 'Find in this file' : 'Line'}
          inputMode={isFind ? 'search' : 'numeric'}
          maxLength={isFind ? 500 : 15}
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={({ currentTarget }) => look(currentTarget.value, matchesCase)}
          className={isFind ? 'w-64' : 'w-28'}
        />
        {isFind ? (
          <>
            <Button unavailable={noText} title="Shift Enter" onClick={() => void controller.find(-1)}>
              Previous
            </Button>
            <Button type="submit" unavailable={noText} title="Enter">
              Next
            </Button>
            <label className="flex items-center gap-1.5 px-1">
              <Checkbox
                checked={matchesCase}
                onChange={({ currentTarget }) => look(text, currentTarget.checked)}
              />
              Match case
            </label>
          </>
        ) : (
          <Button type="submit" unavailable={noText}>
            Go
          </Button>
        )}
        <span role="status" className="min-w-0 text-ink-2 text-small">
          {seeking?.what === 'text'
            ? `Searching… ${formatBytes(seeking.doneBytes)} of ${formatBytes(state.sizeBytes)}`
            : found}
        </span>
        {seeking ? <Button onClick={() => controller.stop()}>Stop</Button> : null}
        <Button tone="quiet" className="ml-auto" onClick={onClose}>
          Close
        </Button>
      </form>
    </search>
  );
}
