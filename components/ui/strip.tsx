import { clsx } from 'clsx';
import type { ReactNode } from 'react';

const TONES = {
  /** A fact about what is below. */
  plain: { strip: 'bg-surface', dot: 'bg-ink-3' },
  /** Something can be done, and nothing is wrong. */
  news: { strip: 'bg-selected', dot: 'bg-accent' },
  /** What is below is old, incomplete or about to end. */
  warning: { strip: 'bg-paused-soft', dot: 'bg-paused' },
} as const;

type Props = {
  tone?: keyof typeof TONES;
  /** Names the strip as a region of its own. Without a name its text is announced when it appears. */
  label?: string;
  /** Buttons at the end. */
  actions?: ReactNode;
  isDense?: boolean;
  /** Marks the strip more strongly. */
  isUrgent?: boolean;
  /** Each change of the number makes the dot pulse once. */
  pulse?: number;
  children: ReactNode;
};

/** A line above the content that it is about: a dot, one or two sentences, and buttons. */
export function Strip({
  tone = 'warning',
  label,
  actions,
  isDense = false,
  isUrgent = false,
  pulse = 0,
  children,
}: Props) {
  const { strip, dot } = TONES[tone];
  const Container = label === undefined ? 'div' : 'section';
  return (
    <Container
      role={label === undefined ? 'status' : undefined}
      aria-label={label}
      className={clsx(
        'flex shrink-0 flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-5',
        isDense ? 'py-1.5' : 'py-2',
        isUrgent && 'shadow-[inset_3px_0_0_var(--paused)]',
        strip,
      )}
    >
      <div className="flex min-w-0 flex-[1_1_12rem] gap-2.5">
        <span
          key={pulse}
          aria-hidden
          className={clsx('mt-1.5 size-2 shrink-0 rounded-full', dot, pulse > 0 && 'pulse-once')}
        />
        <div className="min-w-0">{children}</div>
      </div>
      {actions === undefined || actions === null ? null : (
        <div className="flex shrink-0 items-center gap-2">{actions}</div>
      )}
    </Container>
  );
}

/** Why an action was refused, within the form or dialog that asked for it. */
export function Alert({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="shrink-0 rounded-md border border-line bg-paused-soft px-3 py-2">
      {children}
    </p>
  );
}
