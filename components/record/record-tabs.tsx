import Link from 'next/link';
import { paths } from '@/lib/paths';

const TABS = { operations: 'Operations', access: 'Access' } as const;
type Tab = keyof typeof TABS;
const NAMES = Object.keys(TABS) as Tab[];

/** What is recorded: what was done to sandboxes, and who looked into them. */
export function RecordTabs({ tab }: { tab: Tab }) {
  return (
    <nav aria-label="Records" className="flex gap-5 border-line border-b px-5">
      {NAMES.map((name) => (
        <Link
          key={name}
          href={paths[name]()}
          aria-current={name === tab ? 'page' : undefined}
          className="-mb-px border-transparent border-b-2 pt-2.5 pb-2 font-medium text-ink-2 hover:text-ink aria-[current]:border-accent aria-[current]:text-ink"
        >
          {TABS[name]}
        </Link>
      ))}
    </nav>
  );
}
