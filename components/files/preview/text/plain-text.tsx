'use client';

import { type ReactNode, useState } from 'react';
import { formatBytes } from '@/components/ui/bytes';
import { Visible } from '@/components/ui/visible-text';

const FIRST_CHARS = 20_000;
/** More would slow down the page. */
const MAX_CHARS = 1_000_000;

type Props = {
  text: string;
  label: string;
  children?: (shown: string) => ReactNode;
};

export function PlainText({ text, label, children }: Props) {
  const [limit, setLimit] = useState(FIRST_CHARS);
  const shown = text.length > limit ? text.slice(0, limit) : text;
  return (
    <>
      <pre
        translate="no"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable by keyboard.
        tabIndex={0}
        role="group"
        aria-label={label}
        className="max-h-[60vh] overflow-auto whitespace-pre px-3 py-2 font-mono text-[12.5px] leading-5"
      >
        {children ? children(shown) : <Visible text={shown} shape="block" />}
      </pre>
      {text.length > limit ? (
        <p className="flex gap-3 px-3 pb-2 text-ink-3 text-small">
          <span>
            Showing {formatBytes(shown.length)} of {formatBytes(text.length)}.
          </span>
          {limit < MAX_CHARS ? (
            <button type="button" className="text-accent underline" onClick={() => setLimit(limit * 4)}>
              Show more
            </button>
          ) : (
            <span>Open the file as text to see the rest.</span>
          )}
        </p>
      ) : null}
    </>
  );
}
