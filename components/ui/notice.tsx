import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** A quiet page in a page: nothing here, gone, refused. */
export function Notice({
  title,
  children,
  className,
  level: Heading = 'h1',
}: {
  title: ReactNode;
  children?: ReactNode;
  className?: string;
  /** Below a page's own heading it is the second. */
  level?: 'h1' | 'h2';
}) {
  return (
    <section className={clsx('flex max-w-xl flex-col items-start', className)}>
      <Heading className="mb-1 font-semibold text-title">{title}</Heading>
      <div className="text-ink-2">{children}</div>
    </section>
  );
}
