import { clsx } from 'clsx';
import { ChevronDown } from 'lucide-react';
import { visibleText } from '@/lib/visible-text';

type Props<T extends string> = {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  /** Not a filter: no choice is emphasized. */
  isPlain?: boolean;
  className?: string;
};

/** A native select. As a filter, its first option means "any" and others are emphasized. */
export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  isPlain = false,
  className,
}: Props<T>) {
  const isFiltering = !isPlain && value !== options[0]?.value;
  return (
    <span className={clsx('relative inline-flex min-w-0', className)}>
      <select
        aria-label={label}
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = options.find((option) => option.value === currentTarget.value);
          if (chosen) onChange(chosen.value);
        }}
        className={clsx(
          'h-8 w-full min-w-0 appearance-none truncate rounded-md border bg-surface pr-7 pl-2.5 outline-none hover:bg-hover focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25',
          isFiltering ? 'border-accent font-medium' : 'border-line text-ink-2',
        )}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {visibleText(option.label)}
          </option>
        ))}
      </select>
      <ChevronDown
        size={14}
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 right-2 text-ink-3"
      />
    </span>
  );
}
