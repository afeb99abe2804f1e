'use client';

import { clsx } from 'clsx';
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';

const SAY_FOR_MS = 1_500;

/** Copies `text`; `label` names what, for people who cannot see the icon. */
export function CopyButton({ text, label, className }: { text: string; label: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  async function copy() {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SAY_FOR_MS);
  }
  const Icon = copied ? Check : Copy;
  return (
    <button
      type="button"
      aria-label={copied ? 'Copied' : label}
      title={label}
      onClick={copy}
      className={clsx(
        'inline-flex size-6 items-center justify-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink',
        className,
      )}
    >
      <Icon size={13} aria-hidden className={copied ? 'text-running' : undefined} />
    </button>
  );
}
