'use client';

import { Ellipsis, Keyboard, Maximize2, Minimize2, Search } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from '@/components/ui/button';
import { LazyMenu } from '@/components/ui/floating';
import type { MenuAct } from '@/components/ui/menu-act';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { returnText } from './console-words';
import type { RoomActs } from './room-acts';

type Props = {
  active: ConsoleInfo | null;
  /** How the active one is connected. */
  link: LinkState | null;
  acts: RoomActs;
  isWhole: boolean;
  isBeside: boolean;
  canBeside: boolean;
  forScreenReaders: boolean;
};

/** What there is to say of the connection, and what can be done with the terminal in sight. */
export function ConsoleToolbar({ active, link, acts, isWhole, ...props }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const none = active === null;
  return (
    <div className="flex items-center gap-1">
      <span role="status" className="mr-2 hidden whitespace-nowrap text-ink-3 lg:inline">
        {sayNews(active, link)}
      </span>
      <IconButton
        label="Find in the terminal"
        unavailable={none ? 'No console is open.' : null}
        onClick={acts.find}
      >
        <Search size={15} aria-hidden />
      </IconButton>
      <IconButton label="Keys of the terminal" onClick={acts.keys}>
        <Keyboard size={15} aria-hidden />
      </IconButton>
      <IconButton label={isWhole ? 'Leave the whole screen' : 'Whole screen'} onClick={acts.whole}>
        {isWhole ? <Minimize2 size={15} aria-hidden /> : <Maximize2 size={15} aria-hidden />}
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
        acts={anchor === null ? [] : menuActs(acts, active, props)}
      />
    </div>
  );
}

/** How it was to come back, to one's own console or over a lost connection: a first look at a colleague's is neither. */
function sayNews(active: ConsoleInfo | null, link: LinkState | null): string {
  if (active === null || link?.phase !== 'attached' || link.returned === null) return '';
  return active.isMine || link.returned.afterMs !== null ? returnText(link.returned) : '';
}

function menuActs(
  acts: RoomActs,
  active: ConsoleInfo | null,
  { isBeside, canBeside, forScreenReaders }: Pick<Props, 'isBeside' | 'canBeside' | 'forScreenReaders'>,
): MenuAct[] {
  const none = active === null ? 'No console is open.' : null;
  const notMine =
    none ??
    (active?.isMine || active?.state === 'ended' ? null : `It is ${active?.owner}’s. Take it over first.`);
  return [
    { label: 'Rename…', onActivate: acts.rename, disabledReason: notMine },
    { label: 'Copy a link to it', onActivate: acts.copyLink, disabledReason: none },
    {
      label: isBeside ? 'No longer side by side' : 'Side by side',
      onActivate: acts.beside,
      disabledReason: isBeside || canBeside ? null : 'There is only one console.',
    },
    { label: 'Copy what is selected', onActivate: acts.copy, disabledReason: none, separated: true },
    { label: 'Clear', onActivate: acts.clear, disabledReason: none },
    { label: 'Download the scrollback', onActivate: acts.download, disabledReason: none },
    { label: 'Larger text', onActivate: () => acts.zoom(1), separated: true },
    { label: 'Smaller text', onActivate: () => acts.zoom(-1) },
    {
      label: forScreenReaders ? 'Not for screen readers' : 'For screen readers',
      onActivate: acts.readers,
    },
    { label: 'Close', onActivate: acts.close, disabledReason: notMine, separated: true },
  ];
}
