'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { LazyMenu } from '@/components/ui/floating';
import { THEME_NAMES, THEMES, type Theme } from '@/components/ui/theme';
import { chooseTheme, useTheme } from '@/components/ui/use-theme';
import { paths } from '@/lib/paths';
import { signOutEverywhere } from './sign-out';

/** The signed-in account, the theme and the sign-out. */
export function AccountMenu({ actor, roles, theme }: { actor: string; roles: string; theme: Theme }) {
  const current = useTheme(theme);
  const router = useRouter();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <button
        type="button"
        aria-label="Account and theme"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onPointerEnter={LazyMenu.preload}
        onClick={(event) => setAnchor(event.currentTarget)}
        className="flex size-7 items-center justify-center rounded-full border border-line bg-hover font-medium text-small uppercase"
      >
        {actor.slice(0, 2)}
      </button>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        header={
          <>
            <div className="font-medium">{actor}</div>
            <div className="text-ink-3 text-small">Role: {roles}</div>
          </>
        }
        acts={[
          ...THEMES.map((name) => ({
            label: `${THEME_NAMES[name]}${name === current ? ' ✓' : ''}`,
            onActivate: () => chooseTheme(name),
          })),
          { label: 'Profile', onActivate: () => router.push(paths.profile()), separated: true },
          { label: 'About Sandkeeper', onActivate: () => router.push(paths.about()) },
          { label: 'Sign out', onActivate: signOutEverywhere, separated: true },
        ]}
      />
    </>
  );
}
