import type { ReactNode } from 'react';
import { FleetLink } from '@/components/data/fleet-return';
import { CopyButton } from '@/components/ui/copy-button';
import { connectionOf, idOf, type SandboxKey } from '@/lib/sandbox-key';
import { ConnectionCrumb } from './connection-crumb';
import { type SandboxTab, SandboxTabs } from './sandbox-tabs';

type Props = {
  sandboxKey: SandboxKey;
  badge: ReactNode;
  /** The current page. `null` for an unknown sandbox, which has no pages. */
  tab: SandboxTab | null;
  children?: ReactNode;
};

/** The header of every page of a sandbox: breadcrumb, id, actions and tabs. */
export function SandboxHeading({ sandboxKey, badge, tab, children }: Props) {
  return (
    <div className="shrink-0 border-line border-b">
      {/* As high with buttons as without, so that nothing moves when they appear. */}
      <div className="flex min-h-14 flex-wrap items-center gap-x-4 gap-y-2 px-5 py-3">
        <nav aria-label="Breadcrumb" className="-mr-2 text-ink-3">
          <FleetLink className="hover:text-ink">Sandboxes</FleetLink> /
          <ConnectionCrumb name={connectionOf(sandboxKey)} />
        </nav>
        <div className="flex min-w-0 items-center gap-1">
          <h1 translate="no" className="-my-1 truncate py-1 font-mono text-title">
            {idOf(sandboxKey)}
          </h1>
          <CopyButton text={idOf(sandboxKey)} label="Copy ID" />
        </div>
        {badge}
        <div className="ml-auto flex flex-wrap items-center gap-2">{children}</div>
      </div>
      {tab === null ? null : <SandboxTabs sandboxKey={sandboxKey} tab={tab} />}
    </div>
  );
}

/** The labels of the buttons, for their widths. */
const BUTTONS = ['Set time left…', 'Pause', 'Kill…'];

/** The header while the sandbox is read, in the shape that it will have: with its state and its buttons. */
export function SandboxHeadingSkeleton({ sandboxKey, tab }: { sandboxKey: SandboxKey; tab: SandboxTab }) {
  return (
    <SandboxHeading
      sandboxKey={sandboxKey}
      tab={tab}
      badge={
        <span role="status" className="flex h-5 w-18 items-center">
          <span className="h-2.5 w-full animate-pulse rounded-full bg-line" />
          <span className="sr-only">Loading…</span>
        </span>
      }
    >
      {BUTTONS.map((label) => (
        <span
          key={label}
          aria-hidden
          className="inline-flex h-8 animate-pulse items-center rounded-md border border-line bg-line px-3 font-medium"
        >
          <span className="invisible">{label}</span>
        </span>
      ))}
    </SandboxHeading>
  );
}
