import { type ReactNode, useId } from 'react';

/** Facts about one thing, as names and values below a heading. */
export function FactList({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className="self-start overflow-hidden rounded-md border border-line bg-surface"
    >
      <h2 id={id} className="border-line border-b px-4 py-2 font-semibold">
        {title}
      </h2>
      <dl>{children}</dl>
    </section>
  );
}

export function Fact({ name, hint, children }: { name: string; hint?: ReactNode; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[104px_1fr] gap-4 border-line-soft border-b px-4 py-2 last:border-b-0">
      <dt className="text-ink-3">{name}</dt>
      <dd className="min-w-0">
        {children}
        {hint ? <p className="text-ink-3 text-small">{hint}</p> : null}
      </dd>
    </div>
  );
}
