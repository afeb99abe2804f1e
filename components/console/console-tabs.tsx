'use client';

import { clsx } from 'clsx';
import { ChevronDown, Eye, Plus, X } from 'lucide-react';
import { type KeyboardEvent, useRef } from 'react';
import { IconButton } from '@/components/ui/button';
import { Visible } from '@/components/ui/visible-text';
import type { ConsoleInfo } from '@/lib/console/schema';
import { unlessComposing } from '@/lib/key-events';
import { visibleText } from '@/lib/visible-text';
import { consoleName } from './console-words';

type Props = {
  consoles: readonly ConsoleInfo[];
  activeId: string | null;
  titles: ReadonlyMap<string, string>;
  onSelect: (id: string) => void;
  onClose: (id: string) => void;
  onRename: (id: string) => void;
  onOpen: () => void;
  onOpenAs: () => void;
  /** The reason why a console cannot be opened now; `null` if it can. */
  reason: string | null;
};

/** The consoles of this sandbox, one's own first. */
export function ConsoleTabs({ consoles, activeId, titles, ...actions }: Props) {
  const list = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent) {
    const at = consoles.findIndex(({ id }) => id === activeId);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: consoles.length - 1 }[event.key];
    if (event.key === 'F2' && activeId !== null) actions.onRename(activeId);
    else if (event.key === 'Delete' && activeId !== null) actions.onClose(activeId);
    else if (to !== undefined) {
      const next = consoles[(to + consoles.length) % consoles.length];
      if (next === undefined) return;
      actions.onSelect(next.id);
      list.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
    } else return;
    event.preventDefault();
  }

  return (
    <div className="flex h-10 min-w-0 items-center gap-1 max-md:basis-full">
      <div
        ref={list}
        role="tablist"
        aria-label="Consoles"
        onKeyDown={unlessComposing(onKeyDown)}
        className="flex min-w-0 items-center gap-1 overflow-x-auto py-1"
      >
        {consoles.map((each) => (
          <Tab
            key={each.id}
            console={each}
            isActive={each.id === activeId}
            title={titles.get(each.id) ?? ''}
            onSelect={() => actions.onSelect(each.id)}
            onClose={() => actions.onClose(each.id)}
            onRename={() => actions.onRename(each.id)}
          />
        ))}
      </div>
      <span className="flex shrink-0 items-center">
        <IconButton label="New console" unavailable={actions.reason} onClick={actions.onOpen}>
          <Plus size={15} aria-hidden />
        </IconButton>
        <IconButton
          label="New console with user and folder"
          title="Choose user and folder"
          unavailable={actions.reason}
          onClick={actions.onOpenAs}
          className="w-5! text-ink-3! hover:text-ink!"
        >
          <ChevronDown size={13} aria-hidden />
        </IconButton>
      </span>
    </div>
  );
}

type TabProps = {
  console: ConsoleInfo;
  isActive: boolean;
  title: string;
  onSelect: () => void;
  onClose: () => void;
  onRename: () => void;
};

function Tab({ console: shown, isActive, title, onSelect, onClose, onRename }: TabProps) {
  const { id, number, isMine, owner, state, user, watchers } = shown;
  const name = consoleName(shown);
  const isOver = state === 'ended';
  return (
    <span
      className={clsx(
        'group flex h-7 shrink-0 items-center rounded-sm border',
        isActive
          ? 'border-line bg-raise text-ink'
          : 'border-transparent text-ink-2 hover:bg-hover hover:text-ink',
      )}
    >
      <button
        type="button"
        role="tab"
        data-tab={id}
        aria-selected={isActive}
        aria-controls={`console-${id}`}
        tabIndex={isActive ? 0 : -1}
        title={visibleText(title === '' ? `${name} (${owner})` : title)}
        onClick={onSelect}
        onDoubleClick={onRename}
        className="flex h-full min-w-0 items-center gap-1.5 rounded-sm pl-2.5 font-medium"
      >
        {isMine ? null : <Visible text={owner} className="max-w-24 truncate text-ink-3" />}
        <span className={clsx('max-w-40 truncate', isOver && 'line-through decoration-ink-3')}>
          {number} <Visible text={name} />
        </span>
        {user === null ? null : <Visible text={user} className="text-ink-3 text-small" />}
        {watchers.length === 0 ? null : (
          <span
            role="img"
            aria-label={visibleText(`Watched by ${watchers.join(', ')}`)}
            title={visibleText(`Watched by ${watchers.join(', ')}`)}
            className="flex items-center gap-0.5 text-accent text-small"
          >
            <Eye size={13} aria-hidden />
            {watchers.length}
          </span>
        )}
      </button>
      {isMine || isOver ? (
        <button
          type="button"
          tabIndex={-1}
          // A tab list may only contain tabs. With the keyboard, use Delete or the menu.
          aria-hidden
          title={`Close console ${number}`}
          onClick={onClose}
          className="mx-1 flex size-5 items-center justify-center rounded-sm text-ink-3 opacity-0 hover:bg-hover hover:text-ink focus-visible:opacity-100 group-hover:opacity-100 group-has-aria-selected:opacity-100"
        >
          <X size={13} aria-hidden />
        </button>
      ) : (
        <span className="w-2.5" />
      )}
    </span>
  );
}
