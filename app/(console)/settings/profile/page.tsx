import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { METHOD_WORDS } from '@/components/access/method-words';
import { ProfileSection } from '@/components/access/profile-section';
import { SessionsSection } from '@/components/access/sessions-section';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { parseTheme, THEME_COOKIE } from '@/components/ui/theme';
import { guardPage } from '@/lib/access/guard';
import { listSessions } from '@/lib/access/session-list';
import { connectionsFor } from '@/lib/fleet/all-fleets';
import { ANYWHERE } from '@/lib/grants';

export const metadata: Metadata = { title: 'Profile' };

/** What a person sees and changes about themself. */
export default async function SettingsProfilePage() {
  const { id, userId, grants } = await guardPage('viewer', ANYWHERE);
  const sessions = await listSessions(userId, id);
  const current = sessions.find(({ isCurrent }) => isCurrent);
  const theme = parseTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <SettingsHeading above="Settings" title="Profile" />
      <div className="flex w-full max-w-3xl flex-col items-stretch gap-5 p-5">
        <PanelBoundary what="profile">
          <ProfileSection
            signedIn={METHOD_WORDS[current?.method ?? 'link']}
            titles={Object.fromEntries(connectionsFor(grants).map(({ name, title }) => [name, title]))}
            theme={theme}
          />
        </PanelBoundary>
        <PanelBoundary what="sessions">
          <SessionsSection sessions={sessions} person={null} />
        </PanelBoundary>
      </div>
    </main>
  );
}
