import type { ComponentProps } from 'react';
import { cn } from './class-names';

const TONES = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-105',
  plain: 'bg-surface text-ink border-line hover:bg-hover',
  quiet: 'bg-transparent text-ink-2 border-transparent hover:bg-hover hover:text-ink',
  danger: 'bg-danger text-danger-ink border-transparent hover:brightness-105',
  'danger-plain': 'bg-surface text-danger border-line hover:bg-hover',
} as const;

type Props = ComponentProps<'button'> & { tone?: keyof typeof TONES; size?: 'md' | 'icon' };

/** The look of a button, for links that act like one. */
export function buttonClass(
  tone: keyof typeof TONES,
  size: 'md' | 'icon' = 'md',
  className?: string,
): string {
  return cn(
    'inline-flex h-8 shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium text-body transition-[background-color,filter,opacity] duration-100',
    'disabled:opacity-50 disabled:hover:brightness-100 aria-disabled:opacity-50',
    size === 'icon' ? 'w-8' : 'px-3',
    TONES[tone],
    className,
  );
}

/** A button that never submits a form unless told to. */
export function Button({ tone = 'plain', size = 'md', className, type = 'button', ...props }: Props) {
  return <button type={type} className={buttonClass(tone, size, className)} {...props} />;
}
