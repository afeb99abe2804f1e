import { clsx } from 'clsx';
import type { ComponentProps, ReactNode } from 'react';

type FieldProps = {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  children: ReactNode;
  className?: string;
};

/** A labelled control with a hint below, replaced by what is wrong when something is. */
export function Field({ label, hint, error, children, className }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child.
    <label className={clsx('flex flex-col gap-1', className)}>
      <span className="font-medium">{label}</span>
      {children}
      {error ? (
        <span role="alert" className="text-danger text-small">
          {error}
        </span>
      ) : hint ? (
        <span className="text-ink-3 text-small">{hint}</span>
      ) : null}
    </label>
  );
}

/** A one-line text input. */
export function Input({ className, ...props }: ComponentProps<'input'>) {
  return (
    <input
      className={clsx(
        'h-8 min-w-0 rounded-md border border-line bg-surface px-2.5 outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25',
        className,
      )}
      {...props}
    />
  );
}
