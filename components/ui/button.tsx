import { clsx } from 'clsx';
import type { ComponentProps } from 'react';

const TONES = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-105',
  plain: 'bg-surface text-ink border-line hover:bg-hover',
  quiet: 'bg-transparent text-accent border-transparent hover:bg-hover',
  danger: 'bg-danger text-danger-ink border-transparent hover:brightness-105',
  'danger-plain': 'bg-surface text-danger border-line hover:bg-hover',
} as const;

const SIZES = { md: 'h-8 px-3', lg: 'h-[38px] px-3' } as const;
type Size = keyof typeof SIZES;

type Props = ComponentProps<'button'> & { tone?: keyof typeof TONES; size?: Size };

/** A button that never submits a form unless told to. */
export function Button({ tone = 'plain', size = 'md', className, type = 'button', ...props }: Props) {
  const look = clsx(
    'inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium text-body transition-[background-color,filter,opacity] duration-100',
    'disabled:opacity-50 disabled:hover:brightness-100 aria-disabled:opacity-50',
    SIZES[size],
    TONES[tone],
    className,
  );
  return <button type={type} className={look} {...props} />;
}
