import { cookies } from 'next/headers';
import { type ReactNode, Suspense } from 'react';
import { MembershipNotice } from '@/components/access/membership-notice';
import { ServedConnections } from '@/components/data/use-connections';
import { FleetSummary } from '@/components/fleet/fleet-summary';
import { Shell } from '@/components/shell/shell';
import { parseTheme, THEME_COOKIE } from '@/components/ui/theme';
import { guardPage } from '@/lib/access/guard';
import { membershipOf } from '@/lib/access/oidc/membership';
import { linkFieldOf } from '@/lib/access/sign-in';
import { config } from '@/lib/config';
import { allFleets, connectionsFor, fleetsReady } from '@/lib/fleet/all-fleets';
import { countByConnection } from '@/lib/fleet/view';
import { FIRST_READING_MS } from '@/lib/fleet/watchers';
import { ANYWHERE, type Grants } from '@/lib/grants';

/** Renders the shell once. A layout does not guard its pages: each page checks the session and role itself. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const { id, userId, actor, grants } = await guardPage('viewer', ANYWHERE);
  const membership = await membershipOf(id);
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <ServedConnections connections={connectionsFor(grants)}>
      <Shell
        person={{ userId, actor, grants }}
        theme={theme}
        signInField={linkFieldOf(config().signIn)}
        notice={membership && <MembershipNotice initial={membership} />}
        summary={
          <Suspense fallback={<SummaryNow grants={grants} />}>
            <SummaryOnceRead grants={grants} />
          </Suspense>
        }
      >
        {children}
      </Shell>
    </ServedConnections>
  );
}

/** Waits for the first reading, so that the header has figures even right after the server starts. */
async function SummaryOnceRead({ grants }: { grants: Grants }) {
  await fleetsReady(grants, FIRST_READING_MS);
  return <SummaryNow grants={grants} />;
}

function SummaryNow({ grants }: { grants: Grants }) {
  const { sandboxes, statuses, connections } = allFleets(grants);
  const counts = countByConnection(sandboxes);
  return <FleetSummary initial={{ counts, statuses, connections, nowMs: Date.now() }} />;
}
