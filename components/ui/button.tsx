'use client';

import { clsx } from 'clsx';
import type { ComponentProps } from 'react';
import { useTooltip } from './tooltip';

type PlainButtonProps = Omit<ComponentProps<'button'>, 'disabled'> & {
  /** Why the button does nothing now. It stays focusable and shows the reason in a tooltip; `null`: it works. */
  unavailable?: string | null | undefined;
  /** Does nothing while its own action runs, which the label says. */
  isBusy?: boolean;
};

/** A button without styles. It never submits a form unless told to. */
function PlainButton({
  unavailable = null,
  isBusy = false,
  type = 'button',
  title,
  children,
  onClick,
  onPointerEnter,
  onPointerLeave,
  onFocus,
  onBlur,
  ...props
}: PlainButtonProps) {
  const tooltip = useTooltip(unavailable);
  const isInert = unavailable !== null || isBusy;
  const describedBy = [props['aria-describedby'], tooltip.descriptionId].filter(Boolean).join(' ');
  return (
    <>
      <button
        {...props}
        type={type}
        title={unavailable === null ? title : undefined}
        aria-disabled={isInert || undefined}
        aria-describedby={describedBy === '' ? undefined : describedBy}
        onClick={(event) => {
          if (!isInert) return onClick?.(event);
          event.preventDefault();
          tooltip.open(event.currentTarget);
        }}
        onPointerEnter={(event) => {
          onPointerEnter?.(event);
          tooltip.handlers.onPointerEnter(event);
        }}
        onPointerLeave={(event) => {
          onPointerLeave?.(event);
          tooltip.handlers.onPointerLeave(event);
        }}
        onFocus={(event) => {
          onFocus?.(event);
          tooltip.handlers.onFocus(event);
        }}
        onBlur={(event) => {
          onBlur?.(event);
          tooltip.handlers.onBlur();
        }}
      >
        {children}
        {tooltip.description}
      </button>
      {tooltip.popup}
    </>
  );
}

const TONES = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-105',
  plain: 'bg-surface text-ink border-line hover:bg-hover',
  quiet: 'bg-transparent text-accent border-transparent hover:bg-hover',
  danger: 'bg-danger text-danger-ink border-transparent hover:brightness-105',
  'danger-plain': 'bg-surface text-danger border-line hover:bg-hover',
} as const;

const SIZES = { md: 'h-8 px-3', lg: 'h-[38px] px-3' } as const;

type ButtonProps = PlainButtonProps & { tone?: keyof typeof TONES; size?: keyof typeof SIZES };

export function Button({ tone = 'plain', size = 'md', className, ...props }: ButtonProps) {
  return (
    <PlainButton
      data-tone={tone}
      className={clsx(
        'inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium text-body transition-[background-color,filter,opacity] duration-100',
        'aria-disabled:opacity-50 aria-disabled:hover:brightness-100',
        SIZES[size],
        TONES[tone],
        className,
      )}
      {...props}
    />
  );
}

type IconButtonProps = PlainButtonProps & {
  /** The accessible name, also shown on hover unless there is a `title`. */
  label: string;
};

export function IconButton({ label, title = label, className, ...props }: IconButtonProps) {
  return (
    <PlainButton
      aria-label={label}
      title={title}
      className={clsx(
        'flex size-7 shrink-0 items-center justify-center rounded-sm text-ink-2 hover:bg-hover hover:text-ink aria-disabled:opacity-50',
        className,
      )}
      {...props}
    />
  );
}
