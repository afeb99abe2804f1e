import { type ReactNode, useId } from 'react';

type Props = {
  title: string;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
};

/** A part of a settings page: a heading with its buttons, and a list or form below. */
export function Section({ title, actions, children }: Props) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className="self-start overflow-hidden rounded-md border border-line bg-surface"
    >
      <header className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-1.5">
        <h2 id={id} className="font-semibold">
          {title}
        </h2>
        {actions === undefined ? null : <div className="ml-auto flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
