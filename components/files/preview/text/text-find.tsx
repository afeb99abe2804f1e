'use client';

import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Input } from '@/components/ui/field';
import { FindBar } from '@/components/ui/find-bar';
import { unlessComposing } from '@/lib/key-events';
import type { TextController, TextState } from './text-controller';

type Props = { controller: TextController; state: TextState; onClose: () => void };

export function TextFind({ controller, state, onClose }: Props) {
  const [text, setText] = useState('');
  const [matchesCase, setMatchesCase] = useState(false);
  const { seeking, found, sizeBytes } = state;

  function change(nextText: string, nextMatchesCase: boolean) {
    setText(nextText);
    setMatchesCase(nextMatchesCase);
    controller.setQuery(nextText, { matchesCase: nextMatchesCase });
  }

  return (
    <FindBar
      label="Find in this file"
      text={text}
      onText={(next) => change(next, matchesCase)}
      options={[
        { label: 'Match case', sign: 'Aa', isOn: matchesCase, onToggle: () => change(text, !matchesCase) },
      ]}
      status={
        seeking?.what === 'text'
          ? `Searching… ${formatBytes(seeking.doneBytes)} of ${formatBytes(sizeBytes)}`
          : (found ?? '')
      }
      unavailable={text === '' ? 'Enter text to find.' : null}
      onFind={(direction) => void controller.find(direction === 'next' ? 1 : -1)}
      onStop={seeking ? () => controller.stop() : null}
      onClose={onClose}
    />
  );
}

type GoToLineProps = { controller: TextController; onLine: (line: number) => void; onClose: () => void };

export function GoToLine({ controller, onLine, onClose }: GoToLineProps) {
  const [text, setText] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
    const line = Number.parseInt(text.replaceAll(/[,\s]/g, ''), 10);
    if (!(line > 0)) return;
    void controller.toLine(line);
    onLine(line);
    onClose();
  }

  return (
    <form
      onSubmit={submit}
      onKeyDown={unlessComposing((event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        onClose();
      })}
      className="flex min-h-11 shrink-0 items-center gap-2 border-line border-b px-5 py-1"
    >
      <Input
        autoFocus
        aria-label="Go to line"
        placeholder="Line"
        inputMode="numeric"
        maxLength={15}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        className="w-28"
      />
      <Button type="submit" unavailable={text === '' ? 'Enter a line number.' : null}>
        Go
      </Button>
      <Button tone="quiet" className="ml-auto" onClick={onClose}>
        Close
      </Button>
    </form>
  );
}
