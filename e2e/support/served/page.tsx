import type { AppRouterInstance } from 'next/dist/shared/lib/app-router-context.shared-runtime';
import { AppRouterContext } from 'next/dist/shared/lib/app-router-context.shared-runtime';
import {
  PathnameContext,
  SearchParamsContext,
} from 'next/dist/shared/lib/hooks-client-context.shared-runtime';
import { type ReactNode, startTransition, useEffect, useLayoutEffect, useMemo, useState } from 'react';
import { toast as toasts } from 'sonner';
import { expect, onTestFinished } from 'vitest';
import { page as browserPage, type Locator, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-react';
import { RouterWatch } from '@/components/data/use-url-state';
import { Toasts } from '@/components/shell/providers';
import { NOTHING_SELECTED } from '@/lib/fleet/selection';
import { fleetSelection } from '@/lib/fleet/selection-store';
import { pageQuery } from '@/lib/page-query';
import type { Role } from '@/lib/roles';
import { requestPage, type ServerPage, ServerSegment } from './server-page';

/** Renders pages of the running Sandkeeper in component tests, inside a small router. */

type Change = 'pushState' | 'replaceState';

/** `change`: how the URL follows, once the page is shown. `null`: it has changed already. */
type Shown = { href: string; page: ServerPage; change: Change | null };

const CHANGED = 'sandkeeper:url-changed';

/** As Next.js does, for code that changes the URL without a navigation. */
for (const name of ['pushState', 'replaceState'] as const) {
  const change = window.history[name].bind(window.history);
  window.history[name] = (data, unused, url) => {
    change(data, unused, url);
    window.dispatchEvent(new Event(CHANGED));
  };
}

const here = () => window.location.pathname + window.location.search;

/** A router whose navigations are pending until `show` has the page. */
function routerOf(show: (href: string, change: Change | null) => Promise<void>): AppRouterInstance {
  return {
    push: (href) => {
      pageQuery().navigationBegan('push');
      startTransition(() => show(href, 'pushState'));
    },
    replace: (href) => {
      pageQuery().navigationBegan('replace');
      startTransition(() => show(href, 'replaceState'));
    },
    back: () => window.history.back(),
    forward: () => window.history.forward(),
    refresh: () => startTransition(() => show(here(), null)),
    prefetch: () => {},
    bfcacheId: '',
  };
}

function Routed({ first }: { first: Shown }) {
  const [{ href, page, change }, setShown] = useState(first);
  const [router] = useState(() => {
    let navigations = 0;
    return routerOf(async (next, how) => {
      if (how !== null) navigations += 1;
      const current = navigations;
      const nextPage = await requestPage(next);
      // As in Next.js, a navigation replaces those that are still pending.
      if (current !== navigations) return;
      startTransition(() => setShown({ href: next, page: nextPage, change: how }));
    });
  });
  useLayoutEffect(() => {
    if (change !== null && href !== here()) window.history[change](null, '', href);
  }, [href, change]);
  useEffect(() => {
    const goBack = () => {
      pageQuery().navigationBegan('traverse');
      router.refresh();
    };
    const follow = () => setShown((now) => ({ ...now, href: here(), change: null }));
    window.addEventListener(CHANGED, follow);
    window.addEventListener('popstate', goBack);
    return () => {
      window.removeEventListener(CHANGED, follow);
      window.removeEventListener('popstate', goBack);
    };
  }, [router]);
  return (
    <Routes href={href} router={router}>
      {page.head}
      <ServerSegment segment={page.segment} />
    </Routes>
  );
}

type RoutesProps = { href: string; router: AppRouterInstance; children: ReactNode };

/** What Next.js and the root layout provide for a page. */
function Routes({ href, router, children }: RoutesProps) {
  const { pathname, search } = useMemo(() => new URL(href, window.location.origin), [href]);
  return (
    <AppRouterContext value={router}>
      <PathnameContext value={pathname}>
        <SearchParamsContext value={useMemo(() => new URLSearchParams(search), [search])}>
          <RouterWatch />
          {children}
          <Toasts />
        </SearchParamsContext>
      </PathnameContext>
    </AppRouterContext>
  );
}

type Options = { role?: Role };

/** Renders the page of a path, which later navigation replaces. Starts without a selection and toasts of earlier tests. */
export async function openPage(path: string, { role = 'admin' }: Options = {}): Promise<void> {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads the role from it.
  document.cookie = `role=${role}; path=/`;
  await cleanup();
  // They would cover what the test clicks, and stay while the pointer is on them.
  toasts.dismiss();
  fleetSelection().update(() => NOTHING_SELECTED);
  pageQuery().navigationBegan('push');
  window.history.pushState(null, '', path);
  await render(<Routed first={{ href: here(), page: await requestPage(path), change: null }} />);
}

/** Renders components that belong to a page, without the page. */
export async function renderInPage(children: ReactNode, href = '/sandboxes'): Promise<void> {
  await cleanup();
  await render(
    <Routes href={href} router={routerOf(async () => {})}>
      {children}
    </Routes>,
  );
}

/** The texts that the rest of the test copies. They do not reach the clipboard of the machine. */
export function catchCopies(): string[] {
  const copied: string[] = [];
  const { writeText } = navigator.clipboard;
  navigator.clipboard.writeText = async (text) => void copied.push(text);
  onTestFinished(() => {
    navigator.clipboard.writeText = writeText;
  });
  return copied;
}

/** Moves the pointer off the rows, which keep their order beneath it. */
export const lookAway = (): Promise<void> =>
  userEvent.hover(document.body, { position: { x: 2, y: 2 }, force: true });

export const toast = (hasText: string | RegExp): Locator =>
  browserPage.getByRole('listitem').filter({ hasText });

/** Accepts the defaults of the resume dialog with Enter. */
export async function acceptResume(): Promise<void> {
  const dialog = browserPage.getByRole('dialog', { name: /^Resume / });
  await expect.element(dialog.getByRole('button', { name: /^Resume/ })).toHaveFocus();
  await userEvent.keyboard('{Enter}');
  await expect.element(dialog).not.toBeInTheDocument();
}
