import type { AppRouterInstance } from 'next/dist/shared/lib/app-router-context.shared-runtime';
import { AppRouterContext } from 'next/dist/shared/lib/app-router-context.shared-runtime';
import {
  PathnameContext,
  SearchParamsContext,
} from 'next/dist/shared/lib/hooks-client-context.shared-runtime';
import { usePathname } from 'next/navigation';
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { Toaster } from 'sonner';
import { expect } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-react';
import { CommandsPage } from '@/components/commands/commands-page';
import { ConsolePage } from '@/components/console/console-page';
import { RouterWatch } from '@/components/data/use-url-state';
import { FilesPage } from '@/components/files/files-page';
import { parseView, VIEW_COOKIE } from '@/components/files/view-choice';
import { FleetPage } from '@/components/fleet/fleet-page';
import { ProcessesPage } from '@/components/processes/processes-page';
import type { SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxPage } from '@/components/sandbox-page/sandbox-page';
import { Shell } from '@/components/shell/shell';
import type { Role } from '@/lib/access/roles';
import type { FleetSnapshot } from '@/lib/fleet/delta';
import { firstScreen } from '@/lib/fleet/view';
import { jsonOf } from '@/lib/json-of';
import { pageQuery } from '@/lib/page-query';
import type { SavedView } from '@/lib/views/schema';

/** Renders pages of the product in component tests, with data of the running Sandkeeper. */

const MOVED = 'sandkeeper:moved';

type Change = 'pushState' | 'replaceState';

/** Like Next's, the router follows what the page writes to the history. */
for (const change of ['pushState', 'replaceState'] satisfies Change[]) {
  const write = window.history[change].bind(window.history);
  window.history[change] = (state, unused, href) => {
    write(state, unused, href);
    window.dispatchEvent(new Event(MOVED));
  };
}

window.addEventListener('popstate', () => pageQuery().navigationBegan('traverse'));

function go(change: Change, href: string): void {
  pageQuery().navigationBegan(change === 'pushState' ? 'push' : 'replace');
  window.history[change](null, '', href);
}

const router: AppRouterInstance = {
  push: (href) => go('pushState', href),
  replace: (href) => go('replaceState', href),
  back: () => window.history.back(),
  forward: () => window.history.forward(),
  refresh: () => {},
  prefetch: () => {},
  bfcacheId: '',
};

function subscribe(listener: () => void): () => void {
  for (const event of [MOVED, 'popstate']) window.addEventListener(event, listener);
  return () => {
    for (const event of [MOVED, 'popstate']) window.removeEventListener(event, listener);
  };
}

function Routed({ children }: { children: ReactNode }) {
  const href = useSyncExternalStore(subscribe, () => window.location.pathname + window.location.search);
  const { pathname, search } = useMemo(() => new URL(href, window.location.origin), [href]);
  return (
    <AppRouterContext value={router}>
      <PathnameContext value={pathname}>
        <SearchParamsContext value={useMemo(() => new URLSearchParams(search), [search])}>
          <RouterWatch />
          {children}
          <Toaster />
        </SearchParamsContext>
      </PathnameContext>
    </AppRouterContext>
  );
}

type Options = { role?: Role };

/** Renders the page of a path, which later navigation replaces. Knows the fleet and the pages of a sandbox. */
export async function openPage(path: string, { role = 'admin' }: Options = {}): Promise<void> {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads the role from it.
  document.cookie = `role=${role}; path=/`;
  await cleanup();
  go('pushState', path);
  await render(
    <Routed>
      <Shell actor={role} role={role} theme="system" summary={null}>
        <Page role={role} />
      </Shell>
    </Routed>,
  );
}

/** Moves the pointer off the rows, which keep their order beneath it. */
export const lookAway = () => userEvent.hover(page.getByRole('banner'), { position: { x: 2, y: 2 } });

export const toast = (hasText: string | RegExp): Locator => page.getByRole('listitem').filter({ hasText });

/** Accepts the defaults of the resume dialog with Enter. */
export async function acceptResume(): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Resume / });
  await expect.element(dialog.getByRole('button', { name: /^Resume/ })).toHaveFocus();
  await userEvent.keyboard('{Enter}');
  await expect.element(dialog).not.toBeInTheDocument();
}

/** The page of the current path, once its data has been read as the server does before it renders one. */
function Page({ role }: { role: Role }) {
  const pathname = usePathname();
  const [read, setRead] = useState<{ pathname: string; fleet: FleetSnapshot; views: SavedView[] } | null>(
    null,
  );
  useEffect(() => {
    void Promise.all([readFleetOf(idIn(pathname)), readViews()]).then(([fleet, views]) =>
      setRead({ pathname, fleet, views }),
    );
  }, [pathname]);
  if (read === null || read.pathname !== pathname) return null;
  const nowMs = Date.now();
  const id = idIn(pathname);
  if (pathname === '/sandboxes') {
    const search = new URLSearchParams(window.location.search);
    const request = { q: search.get('q') ?? '', sort: search.get('sort') ?? '' };
    return (
      <FleetPage
        views={read.views}
        first={jsonOf(firstScreen(read.fleet, request, nowMs))}
        role={role}
        offersDemo
        protectedKey="protected"
        bulkLimit={1_000}
        rememberedColumns={null}
      />
    );
  }
  const initial = read.fleet.sandboxes.find((sandbox) => sandbox.id === id);
  const pageOf = sandboxPages[pathname.split('/')[3] ?? ''];
  if (pageOf === undefined || initial === undefined) return <p>No page for {pathname}</p>;
  return pageOf({ initial: jsonOf(initial), role, nowMs, isRecorded: false });
}

/** The pages of a sandbox, by the last part of their path. */
const sandboxPages: Record<string, (props: SandboxPageProps) => ReactNode> = {
  '': (props) => <SandboxPage {...props} />,
  files: (props) => <FilesPage {...props} view={parseView(readCookie(VIEW_COOKIE))} />,
  console: (props) => <ConsolePage {...props} />,
  run: (props) => <CommandsPage {...props} actor={props.role} />,
  processes: (props) => <ProcessesPage {...props} />,
};

function readCookie(name: string): string | undefined {
  const value = new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1];
  return value === undefined ? undefined : decodeURIComponent(value);
}

function idIn(pathname: string): string | undefined {
  return /^\/sandboxes\/([^/]+)/.exec(pathname)?.[1];
}

const LISTED_WITHIN_MS = 10_000;

/** The fleet, once it holds the sandbox of the page: the server may not have read a new one yet. */
async function readFleetOf(id: string | undefined): Promise<FleetSnapshot> {
  const beganMs = Date.now();
  for (;;) {
    const fleet = await readFleet();
    const isListed = id === undefined || fleet.sandboxes.some((sandbox) => sandbox.id === id);
    if (isListed || Date.now() - beganMs > LISTED_WITHIN_MS) return fleet;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function readViews(): Promise<SavedView[]> {
  return (await fetch('/api/views')).json();
}

async function readFleet(): Promise<FleetSnapshot> {
  const response = await fetch('/api/fleet');
  const text = response.body?.pipeThrough(new DecompressionStream('gzip'));
  return new Response(text).json();
}
