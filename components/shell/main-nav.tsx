'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useOperations } from '@/components/data/use-operations';
import { isNotable } from '@/components/operations/tray-entries';
import { paths } from '@/lib/paths';

const PLACES = [
  { name: 'Sandboxes', href: paths.sandboxes() },
  { name: 'Operations', href: paths.operations() },
] as const;

/** The main navigation, with the number of operations in progress. */
export function MainNav() {
  const path = usePathname();
  const inProgress = useOperations().filter(({ operation }) => isNotable(operation)).length;
  return (
    <nav aria-label="Main" className="flex shrink-0 items-center gap-1 whitespace-nowrap">
      {PLACES.map(({ name, href }) => {
        const isHere = path === href;
        const count = href === paths.operations() ? inProgress : 0;
        return (
          <Link
            key={href}
            href={href}
            aria-label={count > 0 ? `${name}, ${count} in progress` : undefined}
            // A page below this one is inside it, but is not it.
            aria-current={isHere ? 'page' : path.startsWith(`${href}/`) ? 'true' : undefined}
            className={clsx(
              'rounded-md px-2.5 py-1 font-medium text-ink-2 hover:text-ink',
              'aria-[current]:bg-hover aria-[current]:text-ink',
            )}
          >
            {name}
            {count > 0 ? (
              <span
                aria-hidden
                className="ml-1.5 inline-block min-w-[18px] rounded-full bg-accent px-1 text-center text-[11px] text-accent-ink leading-[18px]"
              >
                {count}
              </span>
            ) : null}
          </Link>
        );
      })}
    </nav>
  );
}
