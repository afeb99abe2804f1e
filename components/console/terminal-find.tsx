'use client';

import { useState } from 'react';
import { FindBar, type FindDirection } from '@/components/ui/find-bar';
import type { FindOptions } from '@/lib/console/terminal';

type Props = {
  found: { at: number; count: number };
  onFind: (text: string, options: FindOptions, direction: FindDirection, incremental?: boolean) => void;
  onClose: () => void;
};

/** Finds text in the scrollback of a terminal, upwards from the end. */
export function TerminalFind({ found, onFind, onClose }: Props) {
  const [text, setText] = useState('');
  const [options, setOptions] = useState<FindOptions>({ caseSensitive: false, regex: false });
  const isValid = isValidPattern(text, options);

  function change(nextText: string, nextOptions: FindOptions) {
    setText(nextText);
    setOptions(nextOptions);
    if (isValidPattern(nextText, nextOptions)) onFind(nextText, nextOptions, 'previous', true);
  }

  return (
    <FindBar
      isFloating
      label="Find"
      text={text}
      onText={(next) => change(next, options)}
      options={[
        {
          label: 'Match case',
          sign: 'Aa',
          isOn: options.caseSensitive,
          onToggle: () => change(text, { ...options, caseSensitive: !options.caseSensitive }),
        },
        {
          label: 'Regular expression',
          sign: '.*',
          isOn: options.regex,
          onToggle: () => change(text, { ...options, regex: !options.regex }),
        },
      ]}
      status={text === '' ? '' : isValid ? foundText(found) : 'Incomplete pattern'}
      unavailable={text === '' ? 'Enter text to find.' : isValid ? null : 'Complete the regular expression.'}
      enterFinds="previous"
      onFind={(direction) => onFind(text, options, direction)}
      onClose={onClose}
    />
  );
}

function isValidPattern(text: string, { regex }: FindOptions): boolean {
  if (!regex) return true;
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

function foundText({ at, count }: Props['found']): string {
  if (count === 0) return 'No results';
  return at < 0 ? `${count}` : `${at + 1} of ${count}`;
}
