'use client';

import { clsx } from 'clsx';
import { CircleAlert } from 'lucide-react';
import { type ComponentProps, createContext, type ReactNode, use, useId } from 'react';

type FieldProps = {
  label: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  /** One control of this file: it takes its id and description from the field. */
  children: ReactNode;
  className?: string;
};

type ControlProps = { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean };

const FieldControl = createContext<ControlProps | null>(null);

/** A labelled control with a hint below it, replaced by the error if one is given. */
export function Field({ label, hint, error, children, className }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const hasError = Boolean(error);
  const describedBy = hasError || hint ? noteId : undefined;
  return (
    <div className={clsx('flex flex-col gap-1', className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <FieldControl value={{ id, 'aria-describedby': describedBy, 'aria-invalid': hasError }}>
        {children}
      </FieldControl>
      {hasError ? (
        <ErrorText id={noteId}>{error}</ErrorText>
      ) : hint ? (
        <span id={noteId} className="text-ink-3 text-small">
          {hint}
        </span>
      ) : null}
    </div>
  );
}

/** What is wrong with an input, and how to mend it. Never red, which is for kills alone. */
export function ErrorText({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <span id={id} role="alert" className="flex gap-1.5 font-medium text-ink text-small">
      <CircleAlert aria-hidden size={14} className="mt-0.5 shrink-0" />
      <span className="min-w-0">{children}</span>
    </span>
  );
}

const CONTROL =
  'min-w-0 rounded-md border border-line bg-surface px-2.5 outline-none aria-invalid:border-ink focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25';

/** A one-line text input. */
export function Input({ className, ...props }: ComponentProps<'input'>) {
  return <input {...use(FieldControl)} className={clsx(CONTROL, 'h-8', className)} {...props} />;
}

/** A text input of several lines. */
export function TextArea({ className, ...props }: ComponentProps<'textarea'>) {
  return (
    <textarea {...use(FieldControl)} className={clsx(CONTROL, 'resize-y py-1.5', className)} {...props} />
  );
}
