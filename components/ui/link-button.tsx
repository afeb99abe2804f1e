import { clsx } from 'clsx';
import type { ReactNode } from 'react';

type Props = { href: string; isPrimary?: boolean; opensTab?: boolean; children: ReactNode };

/** A link that looks like a button, for addresses that lead out of the page. Nothing fetches them in advance. */
export function LinkButton({ href, isPrimary = false, opensTab = false, children }: Props) {
  return (
    <a
      href={href}
      {...(opensTab && { target: '_blank', rel: 'noreferrer' })}
      className={clsx(
        'inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-center font-medium text-body transition-[background-color,filter] duration-100',
        isPrimary
          ? 'border-transparent bg-accent text-accent-ink hover:brightness-105'
          : 'border-line bg-surface text-ink hover:bg-hover',
      )}
    >
      <span className="min-w-0 [overflow-wrap:anywhere]">{children}</span>
    </a>
  );
}
