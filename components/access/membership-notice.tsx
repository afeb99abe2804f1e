'use client';

import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';
import { LinkButton } from '@/components/ui/link-button';
import { LocalTime } from '@/components/ui/local-time';
import { Strip } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { Membership } from '@/lib/access/oidc/membership-state';
import { paths } from '@/lib/paths';

const ASK_EVERY_MS = 60_000;

/** Says when the provider that signed the person in has not confirmed their access, and when the session therefore ends. */
export function MembershipNotice({ initial }: { initial: Membership }) {
  const path = usePathname();
  const [read, setRead] = useState<{ rendered: Membership; now: Membership | null } | null>(null);
  useEffect(() => {
    let isOver = false;
    const timer = setInterval(async () => {
      const now = await readMembership();
      if (!isOver && now !== undefined) setRead({ rendered: initial, now });
    }, ASK_EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [initial]);
  // What the page was rendered with is newer than a reading before that.
  const membership = read?.rendered === initial ? read.now : initial;
  if (membership === null || membership.problem === null) return null;
  const { provider, title, problem, checkedAtMs, endsAtMs } = membership;
  return (
    <Strip actions={<LinkButton href={paths.signInWith(provider, path)}>Sign in again</LinkButton>}>
      <Visible text={title} /> has not confirmed your access since <LocalTime ms={checkedAtMs} isShort />.
      Unless it does, you are signed out at <LocalTime ms={endsAtMs} isShort />.{' '}
      <span className="text-ink-2">
        <Visible text={problem} shape="block" />
      </span>
    </Strip>
  );
}

/** `undefined` if the server gives no answer, which the page says elsewhere. */
async function readMembership(): Promise<Membership | null | undefined> {
  const response = await fetch('/api/session', { cache: 'no-store' }).catch(() => null);
  if (!response?.ok) return undefined;
  const { membership }: { membership: Membership | null } = await response.json();
  return membership;
}
