import { LinkTabs } from '@/components/ui/link-tabs';
import { paths } from '@/lib/paths';
import type { SandboxKey } from '@/lib/sandbox-key';

const TABS = {
  overview: { name: 'Overview', href: paths.sandbox },
  files: { name: 'Files', href: (key) => paths.sandboxFiles(key) },
  console: { name: 'Console', href: (key) => paths.sandboxConsole(key) },
  run: { name: 'Run', href: (key) => paths.sandboxRun(key) },
  processes: { name: 'Processes', href: paths.sandboxProcesses },
} satisfies Record<string, { name: string; href: (key: SandboxKey) => string }>;

export type SandboxTab = keyof typeof TABS;

export function tabHref(tab: SandboxTab, key: SandboxKey): string {
  return TABS[tab].href(key);
}

export function SandboxTabs({ sandboxKey, tab }: { sandboxKey: SandboxKey; tab: SandboxTab }) {
  const tabs = Object.entries(TABS).map(([key, { name, href }]) => ({ key, name, href: href(sandboxKey) }));
  return <LinkTabs label="This sandbox" tabs={tabs} current={tab} />;
}
