import { clsx } from 'clsx';
import Link from 'next/link';

type Props = {
  /** What the pages have in common. */
  label: string;
  tabs: readonly { key: string; name: string; href: string }[];
  /** The key of the page shown. */
  current: string;
  isTall?: boolean;
};

/** Links between pages that belong together, above the border of what they lead to. */
export function LinkTabs({ label, tabs, current, isTall = false }: Props) {
  return (
    <nav aria-label={label} className={clsx('-mb-px flex overflow-x-auto px-5', isTall ? 'gap-5' : 'gap-6')}>
      {tabs.map(({ key, name, href }) => (
        <Link
          key={key}
          href={href}
          aria-current={key === current ? 'page' : undefined}
          className={clsx(
            'border-transparent border-b-2 font-medium text-ink-2 hover:text-ink aria-[current]:border-accent aria-[current]:text-ink',
            isTall ? 'pt-2.5 pb-2' : 'py-1.5',
          )}
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
