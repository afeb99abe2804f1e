import { cookies } from 'next/headers';
import { type ReactNode, Suspense } from 'react';
import { ServedConnections } from '@/components/data/use-connections';
import { FleetSummary } from '@/components/fleet/fleet-summary';
import { Shell } from '@/components/shell/shell';
import { parseTheme, THEME_COOKIE } from '@/components/ui/theme';
import { guardPage } from '@/lib/access/guard';
import { shownConnections } from '@/lib/connections/registry';
import { allFleets, fleetsReady } from '@/lib/fleet/all-fleets';
import { countByConnection } from '@/lib/fleet/view';
import { FIRST_READING_MS } from '@/lib/fleet/watchers';

/** Renders the shell once. A layout does not guard its pages: each page checks the session and role itself. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const { actor, role } = await guardPage('viewer');
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <ServedConnections connections={shownConnections()}>
      <Shell
        actor={actor}
        role={role}
        theme={theme}
        summary={
          <Suspense fallback={<SummaryNow />}>
            <SummaryOnceRead />
          </Suspense>
        }
      >
        {children}
      </Shell>
    </ServedConnections>
  );
}

/** Waits for the first reading, so that the header has figures even right after the server starts. */
async function SummaryOnceRead() {
  await fleetsReady(FIRST_READING_MS);
  return <SummaryNow />;
}

function SummaryNow() {
  const { sandboxes, statuses, connections } = allFleets();
  const counts = countByConnection(sandboxes);
  return <FleetSummary initial={{ counts, statuses, connections, nowMs: Date.now() }} />;
}
