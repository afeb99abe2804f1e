import { clsx } from 'clsx';
import type { ReactNode } from 'react';

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
