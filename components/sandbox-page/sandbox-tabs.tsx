import Link from 'next/link';
import { paths } from '@/lib/paths';

/** What there is to see of one sandbox, each a page of its own. */
const TABS = {
  overview: { name: 'Overview', href: paths.sandbox },
  files: { name: 'Files', href: (id) => paths.sandboxFiles(id) },
  console: { name: 'Console', href: (id) => paths.sandboxConsole(id) },
  run: { name: 'Run', href: (id) => paths.sandboxRun(id) },
  processes: { name: 'Processes', href: paths.sandboxProcesses },
} satisfies Record<string, { name: string; href: (id: string) => string }>;

export type SandboxTab = keyof typeof TABS;

export function tabHref(tab: SandboxTab, id: string): string {
  return TABS[tab].href(id);
}

/** The ways between the pages of one sandbox. */
export function SandboxTabs({ id, tab }: { id: string; tab: SandboxTab }) {
  return (
    <nav aria-label="This sandbox" className="-mb-px flex gap-6 overflow-x-auto px-5">
      {Object.entries(TABS).map(([key, { name, href }]) => (
        <Link
          key={key}
          href={href(id)}
          aria-current={key === tab ? 'page' : undefined}
          className="border-transparent border-b-2 py-1.5 font-medium text-ink-2 hover:text-ink aria-[current]:border-accent aria-[current]:text-ink"
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
