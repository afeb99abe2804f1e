import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** The place of a message instead of a page's content, and of what belongs to the message. It is the same on all pages. */
export function NoticeColumn({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
      <div className="w-full max-w-xl">{children}</div>
    </div>
  );
}

/** A message in place of content: nothing here, not found, not allowed. */
export function Notice({
  title,
  children,
  className,
  level: Heading = 'h1',
}: {
  title: ReactNode;
  children?: ReactNode;
  className?: string;
  level?: 'h1' | 'h2';
}) {
  return (
    <section className={clsx('flex max-w-xl flex-col items-start', className)}>
      <Heading className="mb-1 font-semibold text-title">{title}</Heading>
      <div className="text-ink-2">{children}</div>
    </section>
  );
}
