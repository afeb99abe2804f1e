import Link from 'next/link';
import type { ReactNode } from 'react';
import { AccountMenu } from '@/components/access/account-menu';
import { SignInDialog } from '@/components/access/sign-in-dialog';
import type { LinkField } from '@/components/access/sign-in-form';
import { type Person, ServedPerson } from '@/components/data/use-person';
import { Tray } from '@/components/operations/tray';
import { FocusGuard } from '@/components/ui/focus-guard';
import { Mark } from '@/components/ui/mark';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import type { Theme } from '@/components/ui/theme';
import { Toolbar } from '@/components/ui/toolbar';
import { describeGrants, EVERYWHERE, mayIn } from '@/lib/grants';
import { paths } from '@/lib/paths';
import { ConnectionStrip } from './connection-strip';
import { MainNav } from './main-nav';
import { CommandButton } from './palette/command-button';
import { SkipLink } from './skip-link';

type Props = {
  person: Person;
  theme: Theme;
  /** What the dialog for a new sign-in takes. */
  signInField: LinkField;
  /** About the session, above the page. */
  notice?: ReactNode;
  /** The summary of the fleet. */
  summary: ReactNode;
  children: ReactNode;
};

/** The header, the page and the tray, for every page that requires a session. */
export function Shell({ person, theme, signInField, notice, summary, children }: Props) {
  const { actor, grants } = person;
  const isAdmin = mayIn(grants, 'admin', EVERYWHERE);
  return (
    <ServedPerson person={person}>
      <div className="flex h-dvh min-h-0 flex-col">
        <SkipLink />
        <FocusGuard />
        <header className="shrink-0">
          {/* With the strip, so that its buttons are no further stops of Tab on the way to the page. */}
          <Toolbar label="Header">
            <div className="flex h-12 items-center gap-3 border-line border-b bg-surface px-3 sm:gap-4 sm:px-5">
              <Link
                href={paths.sandboxes()}
                className="flex items-center gap-2 rounded-sm font-semibold text-[15px]"
              >
                <Mark /> <span className="max-sm:sr-only">Sandkeeper</span>
              </Link>
              <PanelBoundary what="navigation">
                <MainNav isAdmin={isAdmin} />
              </PanelBoundary>
              <div className="ml-auto flex min-w-0 items-center gap-3 sm:gap-4">
                <PanelBoundary what="summary">{summary}</PanelBoundary>
                <CommandButton />
                <AccountMenu actor={actor} roles={describeGrants(grants)} theme={theme} />
              </div>
            </div>
            {notice}
            <ConnectionStrip />
          </Toolbar>
        </header>
        {children}
        <PanelBoundary what="operations in progress">
          <Tray />
        </PanelBoundary>
        <SignInDialog field={signInField} />
      </div>
    </ServedPerson>
  );
}
