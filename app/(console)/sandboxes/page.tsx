import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { COLUMNS_COOKIE, WIDTHS_COOKIE } from '@/components/fleet/column-choice';
import { FleetPage } from '@/components/fleet/fleet-page';
import { guardPage } from '@/lib/access/guard';
import { config } from '@/lib/config';
import { allFleets, fleetsReady } from '@/lib/fleet/all-fleets';
import { firstScreen } from '@/lib/fleet/view';
import { FIRST_READING_MS } from '@/lib/fleet/watchers';
import { ANYWHERE } from '@/lib/grants';
import { jsonOf } from '@/lib/json-of';
import { listViews } from '@/lib/views/store';

export const metadata: Metadata = { title: 'Sandboxes' };

export default async function SandboxesPage({ searchParams }: PageProps<'/sandboxes'>) {
  const session = await guardPage('viewer', ANYWHERE);
  const { q, sort } = await searchParams;
  await fleetsReady(session.grants, FIRST_READING_MS);
  const request = { q: typeof q === 'string' ? q : '', sort: typeof sort === 'string' ? sort : '' };
  const { protectedKey, bulkLimit } = config().operations;
  const first = firstScreen(allFleets(session.grants), request, Date.now());
  return (
    <FleetPage
      first={jsonOf(first)}
      grants={session.grants}
      views={await listViews(session).catch(() => [])}
      protectedKey={protectedKey}
      bulkLimit={bulkLimit}
      rememberedWidths={(await cookies()).get(WIDTHS_COOKIE)?.value ?? null}
      rememberedColumns={(await cookies()).get(COLUMNS_COOKIE)?.value ?? null}
    />
  );
}
