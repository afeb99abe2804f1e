'use client';

import { Button } from '@/components/ui/button';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { signOutEverywhere } from './sign-out';

/** Shown to somebody who is signed in and has no role on any connection. */
export function NoAccess({ actor, email }: { actor: string; email: string | null }) {
  const account = email === null || email === actor ? actor : `${actor} (${email})`;
  return (
    <main className="flex min-h-dvh flex-col">
      <NoticeColumn>
        <Notice title="You have no access yet">
          <p>
            You are signed in as <strong className="font-semibold text-ink">{account}</strong>, and have no
            role on any connection. Ask an administrator of Sandkeeper for one. It counts as soon as this page
            is loaded again.
          </p>
          <div className="mt-4 flex flex-wrap gap-2">
            <Button tone="primary" onClick={() => window.location.assign('/')}>
              Check again
            </Button>
            <Button onClick={() => void signOutEverywhere()}>Sign out</Button>
          </div>
        </Notice>
      </NoticeColumn>
    </main>
  );
}
