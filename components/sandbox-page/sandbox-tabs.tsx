import { LinkTabs } from '@/components/ui/link-tabs';
import { paths } from '@/lib/paths';

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

export function SandboxTabs({ id, tab }: { id: string; tab: SandboxTab }) {
  const tabs = Object.entries(TABS).map(([key, { name, href }]) => ({ key, name, href: href(id) }));
  return <LinkTabs label="This sandbox" tabs={tabs} current={tab} />;
}
