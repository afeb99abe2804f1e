'use client';

import { type ReactNode, useState } from 'react';
import { formatBytes } from '@/components/ui/bytes';
import { VisibleLines } from './visible-lines';

const AT_ONCE = 20_000;
/** However often somebody asks for more: a page of elements is no place for megabytes. */
const MOST = 1_000_000;

type Props = {
  text: string;
  label: string;
  children?: (shown: string) => ReactNode;
};

/** A text of others, of which so much is shown as people look through, and more when they ask. */
export function PlainText({ text, label, children }: Props) {
  const [most, setMost] = useState(AT_ONCE);
  const shown = text.length > most ? text.slice(0, most) : text;
  return (
    <>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        tabIndex={0}
        role="group"
        aria-label={label}
        className="max-h-[60vh] overflow-auto whitespace-pre px-3 py-2 font-mono text-[12.5px] leading-5"
      >
        {children ? children(shown) : <VisibleLines text={shown} />}
      </pre>
      {text.length > most ? (
        <p className="flex gap-3 px-3 pb-2 text-ink-3 text-small">
          <span>
            {formatBytes(shown.length)} of {formatBytes(text.length)} are shown.
          </span>
          {most < MOST ? (
            <button type="button" className="text-accent underline" onClick={() => setMost(most * 4)}>
              Show more
            </button>
          ) : (
            <span>Look at the file as text for the rest.</span>
          )}
        </p>
      ) : null}
    </>
  );
}
