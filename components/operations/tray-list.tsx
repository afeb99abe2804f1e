'use client';

import { usePathname } from 'next/navigation';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useTick } from '@/components/ui/tick';
import type { Role } from '@/lib/access/roles';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import type { Operation } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { countsText, operationTitle, underWayTitle } from './outcome';
import { isShown, type Phase, phaseOf } from './tray-entries';
import { trayMemory } from './tray-memory';
import { TrayRow } from './tray-row';
import { useActs } from './use-acts';

const TICK_MS = 250;
const IDLE_TICK_MS = 60_000;
/** Longer than a result stays that needs nobody's attention. */
const LIVELY_FOR_MS = 15_000;
/** How many lines stand without scrolling. */
const FIT = 3;

export type TrayListProps = {
  views: readonly OperationView[];
  actor: string;
  role: Role;
  /** Takes what is to be read aloud. */
  onNews: (text: string) => void;
};

type Entry = { view: OperationView; phase: Phase };

/** What the tray holds: a line for each operation, newest on top, so that those below stay where they are. */
export function TrayList({ views, actor, role, onNews }: TrayListProps) {
  const nowMs = useTick(isLively(views) ? TICK_MS : IDLE_TICK_MS);
  const { dismissed, stopping } = useTrayMemory();
  const { onRetry, dialogs } = useActs();
  const path = usePathname();
  const [isHeld, setIsHeld] = useState(false);
  const serverNowMs = operationProgress().clock.at(nowMs);
  const retried = new Set(views.map(({ operation }) => operation.retryOf));
  const wanted = views.filter((view) => {
    const { id } = view.operation;
    const isDismissed = dismissed.has(id) || retried.has(id);
    const isFollowed = operationProgress().isFollowed(id);
    return isShown(view, { actor, nowMs, serverNowMs, isDismissed, isFollowed });
  });
  const entries = useHeld(wanted, views, dismissed, isHeld).map((view) => ({
    view,
    phase: phaseOf(view.operation, serverNowMs),
  }));
  useNews(entries, onNews);
  // Its own page shows all of this and more.
  const shown = entries.filter(({ view }) => paths.operation(view.operation.id) !== path);
  // What goes while it has the pointer or the focus never hears that they have left.
  if (isHeld && shown.length === 0) setIsHeld(false);

  return (
    <>
      {shown.length === 0 ? null : (
        <section
          ref={tellHeight}
          aria-label="Operations under way"
          tabIndex={shown.length > FIT ? 0 : undefined}
          onPointerEnter={() => setIsHeld(true)}
          onPointerLeave={() => setIsHeld(false)}
          onFocus={() => setIsHeld(true)}
          onBlur={() => setIsHeld(false)}
          className="max-h-[min(162px,40dvh)] shrink-0 overflow-y-auto border-line border-t bg-surface outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
        >
          <ul>
            {shown.map(({ view, phase }) => (
              <TrayRow
                key={view.operation.id}
                view={view}
                phase={phase}
                nowMs={nowMs}
                isOwn={view.operation.actor === actor}
                isStopping={stopping.has(view.operation.id)}
                role={role}
                onRetry={onRetry}
              />
            ))}
          </ul>
        </section>
      )}
      {dialogs}
    </>
  );
}

/** Whether what is shown changes by the clock. */
function isLively(views: readonly OperationView[]): boolean {
  const sinceMs = Date.now() - LIVELY_FOR_MS;
  return views.some(({ endSeenAtMs }) => endSeenAtMs === null || endSeenAtMs > sinceMs);
}

function useTrayMemory() {
  const memory = trayMemory();
  return {
    dismissed: useSyncExternalStore(memory.subscribe, memory.dismissed, memory.dismissed),
    stopping: useSyncExternalStore(memory.subscribe, memory.stopping, memory.stopping),
  };
}

/** What is wanted, and while `isHeld` also what was shown before: nothing leaves from under a pointer or the focus. */
function useHeld(
  wanted: readonly OperationView[],
  all: readonly OperationView[],
  dismissed: ReadonlySet<string>,
  isHeld: boolean,
): readonly OperationView[] {
  const [before, setBefore] = useState('');
  const kept = new Set(isHeld ? before.split(' ') : []);
  const held = all.filter(
    (view) => wanted.includes(view) || (kept.has(view.operation.id) && !dismissed.has(view.operation.id)),
  );
  const now = held.map(({ operation }) => operation.id).join(' ');
  if (now !== before) setBefore(now);
  return held;
}

/** Says what each operation has come to, once for each of its phases and not with each of its numbers. */
function useNews(entries: readonly Entry[], onNews: (text: string) => void): void {
  const told = useRef(new Map<string, Phase>());
  // What reads pages aloud is the external system.
  useEffect(() => {
    const news = entries.filter(({ view, phase }) => told.current.get(view.operation.id) !== phase);
    for (const { view, phase } of news) told.current.set(view.operation.id, phase);
    if (news.length > 0) onNews(news.map(sentenceOf).join(' '));
  });
}

const SENTENCES = {
  window: (operation) => {
    const seconds = Math.ceil((operation.startsAtMs - operation.createdAtMs) / 1_000);
    return `${underWayTitle(operation.act, operation.counts)} in ${seconds} s. It can still be cancelled.`;
  },
  running: ({ act, counts }) => `${underWayTitle(act, counts)}.`,
  stopping: ({ act, counts }) => `Stopping: ${operationTitle(act, counts)}.`,
  ended: ({ act, counts }) => `${operationTitle(act, counts)}: ${countsText(act, counts)}.`,
} satisfies Record<Phase, (operation: Operation) => string>;

function sentenceOf({ view, phase }: Entry): string {
  return SENTENCES[phase](view.operation);
}

/** Lets whatever floats at the foot of the window stand above the tray. */
function tellHeight(tray: HTMLElement): () => void {
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() => style.setProperty('--tray-height', `${tray.offsetHeight}px`));
  observer.observe(tray);
  return () => {
    observer.disconnect();
    style.removeProperty('--tray-height');
  };
}
