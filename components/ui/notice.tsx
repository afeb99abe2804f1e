import { clsx } from 'clsx';
import type { ReactNode } from 'react';

/** A quiet page in a page: nothing here, gone, refused. */
export function Notice({
  title,
  children,
  className,
}: {
  title: ReactNode;
  children?: ReactNode;
  className?: string;
}) {
  return (
    <section className={clsx('flex max-w-xl flex-col items-start', className)}>
      <h1 className="mb-1 font-semibold text-title">{title}</h1>
      <div className="text-ink-2">{children}</div>
    </section>
  );
}
