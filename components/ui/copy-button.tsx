'use client';

import { clsx } from 'clsx';
import type { MouseEvent } from 'react';
import { toast } from '@/components/ui/toast';
import { visibleText } from '@/lib/visible-text';

const FEEDBACK_MS = 1_500;

type Props = {
  /** A function if the text is expensive to build. */
  text: string | (() => string);
  label: string;
  tabIndex?: number;
  className?: string;
};

/** Copies `text`. Long tables have one in each row, so the feedback is set on the element instead of in state. */
export function CopyButton({ text, label: rawLabel, tabIndex, className }: Props) {
  const label = visibleText(rawLabel);
  return (
    <button
      type="button"
      tabIndex={tabIndex}
      aria-label={label}
      title={label}
      onClick={(event) => void copy(event, typeof text === 'string' ? text : text(), label)}
      className={clsx(
        'group/copy inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink',
        className,
      )}
    >
      <span
        aria-hidden
        className="icon icon-copy group-data-copied/copy:icon-check group-data-copied/copy:text-running"
      />
    </button>
  );
}

async function copy({ currentTarget }: MouseEvent<HTMLButtonElement>, text: string, label: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    toast.error('The browser does not allow copying', { description: text.slice(0, 200) });
    return;
  }
  currentTarget.dataset.copied = '';
  currentTarget.setAttribute('aria-label', 'Copied');
  setTimeout(() => {
    delete currentTarget.dataset.copied;
    currentTarget.setAttribute('aria-label', label);
  }, FEEDBACK_MS);
}

/** Copies text and confirms it with a toast. `name`: such as `the path`. */
export async function copyText(text: string, name: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success(`Copied ${name}`);
  } catch {
    toast.error('The browser blocked copying. Copy the text by hand.', { description: text.slice(0, 200) });
  }
}
