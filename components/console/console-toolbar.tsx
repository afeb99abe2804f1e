'use client';

import { Ellipsis, Keyboard, Maximize2, Minimize2, Search } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from '@/components/ui/button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { type ConsoleActions, noResetReason } from './console-actions';
import { returnText } from './console-words';

type Props = {
  active: ConsoleInfo | null;
  /** The connection of the active console. */
  link: LinkState | null;
  actions: ConsoleActions;
  isFullScreen: boolean;
  isBeside: boolean;
  canBeside: boolean;
  forScreenReaders: boolean;
};

export function ConsoleToolbar({ active, link, actions, isFullScreen, ...props }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const none = active === null;
  return (
    <div className="flex items-center gap-1">
      <span role="status" className="sr-only text-ink-3 lg:not-sr-only lg:mr-2! lg:whitespace-nowrap!">
        {connectionText(active, link)}
      </span>
      <IconButton
        label="Find in terminal"
        unavailable={none ? 'No console is open.' : null}
        onClick={actions.find}
      >
        <Search size={15} aria-hidden />
      </IconButton>
      <IconButton label="Keyboard shortcuts" onClick={actions.showKeys}>
        <Keyboard size={15} aria-hidden />
      </IconButton>
      <IconButton
        label={isFullScreen ? 'Exit full screen' : 'Full screen'}
        onClick={actions.toggleFullScreen}
      >
        {isFullScreen ? <Minimize2 size={15} aria-hidden /> : <Maximize2 size={15} aria-hidden />}
      </IconButton>
      <IconButton
        label="More"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onPointerEnter={() => LazyMenu.preload()}
        onClick={({ currentTarget }) => setAnchor(currentTarget)}
        className="aria-expanded:bg-hover"
      >
        <Ellipsis size={15} aria-hidden />
      </IconButton>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={anchor === null ? [] : menuActions(actions, active, link, props)}
      />
    </div>
  );
}

/** Says nothing when a person first watches someone else's console, because nothing was reconnected. */
function connectionText(active: ConsoleInfo | null, link: LinkState | null): string {
  if (active === null || link?.phase !== 'attached' || link.returned === null) return '';
  return active.isMine || link.returned.afterMs !== null ? returnText(link.returned) : '';
}

function menuActions(
  actions: ConsoleActions,
  active: ConsoleInfo | null,
  link: LinkState | null,
  { isBeside, canBeside, forScreenReaders }: Pick<Props, 'isBeside' | 'canBeside' | 'forScreenReaders'>,
): MenuAct[] {
  const none = active === null ? 'No console is open.' : null;
  const notMine =
    none ??
    (active?.isMine || active?.state === 'ended'
      ? null
      : `This console belongs to ${active?.owner}. Take it over first.`);
  return [
    { label: 'Rename…', onActivate: actions.rename, disabledReason: notMine },
    { label: 'Copy link', onActivate: actions.copyLink, disabledReason: none },
    {
      label: isBeside ? 'Exit side by side' : 'Side by side',
      onActivate: actions.toggleSideBySide,
      disabledReason: isBeside || canBeside ? null : 'Open a second console first.',
    },
    { label: 'Copy selection', onActivate: actions.copy, disabledReason: none, separated: true },
    { label: 'Clear', onActivate: actions.clear, disabledReason: none },
    { label: 'Reset terminal', onActivate: actions.reset, disabledReason: noResetReason(active, link) },
    { label: 'Download scrollback', onActivate: actions.download, disabledReason: none },
    { label: 'Larger text', onActivate: () => actions.zoom(1), separated: true },
    { label: 'Smaller text', onActivate: () => actions.zoom(-1) },
    {
      label: forScreenReaders ? 'Turn off screen reader mode' : 'Turn on screen reader mode',
      onActivate: actions.toggleScreenReader,
    },
    { label: 'Close', onActivate: actions.close, disabledReason: notMine, separated: true },
  ];
}
