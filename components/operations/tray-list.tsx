'use client';

import { usePathname } from 'next/navigation';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { usePerson } from '@/components/data/use-person';
import { useTick } from '@/components/ui/tick';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import { type Operation, totalsOf } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import { countsText, operationTitle, underWayTitle } from './outcome';
import { isShown, type Phase, phaseOf } from './tray-entries';
import { trayMemory } from './tray-memory';
import { TrayRow } from './tray-row';
import { useActs } from './use-acts';

const TICK_MS = 250;
const IDLE_TICK_MS = 60_000;
/** Longer than a result without failures is shown. */
const ACTIVE_MS = 15_000;
/** The number of rows that fit without scrolling. */
const MAX_VISIBLE_ROWS = 3;

export type TrayListProps = {
  views: readonly OperationView[];
  onAnnounce: (text: string) => void;
};

type Entry = { view: OperationView; phase: Phase };

/** A row per operation, newest first, so that a new one does not move the others. */
export function TrayList({ views, onAnnounce }: TrayListProps) {
  const { userId } = usePerson();
  const nowMs = useTick(isActive(views) ? TICK_MS : IDLE_TICK_MS);
  const { dismissed, stopping } = useTrayMemory();
  const { onRetry, dialogs } = useActs();
  const path = usePathname();
  const [isHeld, setIsHeld] = useState(false);
  const serverNowMs = operationProgress().clock.at(nowMs);
  const retries = views.map(({ operation }) => operation).filter(({ retryOf }) => retryOf !== null);
  const retried = new Set(retries.map(({ retryOf }) => retryOf));
  /** These leave even under the pointer, because this person has dismissed or retried them. */
  const settled = new Set([
    ...dismissed,
    ...retries.filter((retry) => retry.actorId === userId).map(({ retryOf }) => retryOf),
  ]);
  const matching = views.filter((view) => {
    const { id } = view.operation;
    const isDismissed = dismissed.has(id) || retried.has(id);
    const isFollowed = operationProgress().isFollowed(id);
    const wasShown = trayMemory().wasShown(id);
    return isShown(view, { userId, nowMs, serverNowMs, isDismissed, wasShown, isFollowed });
  });
  const entries = useHeld(matching, views, settled, isHeld).map((view) => ({
    view,
    phase: phaseOf(view.operation, serverNowMs),
  }));
  useAnnouncements(entries, onAnnounce);
  const shown = entries.filter(({ view }) => !isOnPage(view, path));
  useShownResults(shown);
  useReadResults(entries, path);
  // A removed element gets no leave or blur event.
  if (isHeld && shown.length === 0) setIsHeld(false);

  return (
    <>
      {shown.length === 0 ? null : (
        <section
          ref={publishHeight}
          aria-label="Running operations"
          tabIndex={shown.length > MAX_VISIBLE_ROWS ? 0 : undefined}
          onPointerEnter={() => setIsHeld(true)}
          onPointerLeave={() => setIsHeld(false)}
          onFocus={() => setIsHeld(true)}
          onBlur={() => setIsHeld(false)}
          className="max-h-[min(162px,40dvh)] shrink-0 max-sm:max-h-22 overflow-y-auto border-line border-t bg-surface outline-none focus-visible:ring-2 focus-visible:ring-accent/40 focus-visible:ring-inset"
        >
          <ul>
            {shown.map(({ view, phase }) => (
              <TrayRow
                key={view.operation.id}
                view={view}
                phase={phase}
                nowMs={nowMs}
                isOwn={view.operation.actorId === userId}
                isStopping={stopping.has(view.operation.id)}
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

/** Whether the page shows the operation in full: its own page, or the commands of its only sandbox. */
function isOnPage({ operation, items }: OperationView, path: string): boolean {
  if (paths.operation(operation.id) === path) return true;
  const isOne = operation.act === 'run' && totalsOf(operation.counts).total === 1;
  const [only] = items.keys();
  return isOne && only !== undefined && paths.sandboxRun(only) === path;
}

function useShownResults(shown: readonly Entry[]): void {
  useEffect(() => {
    for (const { view, phase } of shown) if (phase === 'ended') trayMemory().noteShown(view.operation.id);
  });
}

/** A result that its own page shows in full does not come back on the next page. */
function useReadResults(entries: readonly Entry[], path: string): void {
  useEffect(() => {
    for (const { view, phase } of entries)
      if (phase === 'ended' && isOnPage(view, path)) trayMemory().dismiss(view.operation.id);
  });
}

/** Whether the content depends on the current time. */
function isActive(views: readonly OperationView[]): boolean {
  const sinceMs = Date.now() - ACTIVE_MS;
  return views.some(({ endSeenAtMs }) => endSeenAtMs === null || endSeenAtMs > sinceMs);
}

function useTrayMemory() {
  const memory = trayMemory();
  return {
    dismissed: useSyncExternalStore(memory.subscribe, memory.dismissed, memory.dismissed),
    stopping: useSyncExternalStore(memory.subscribe, memory.stopping, memory.stopping),
  };
}

/** While `isHeld`, keeps rows that would disappear under the pointer or focus, except those of `settled`. */
function useHeld(
  matching: readonly OperationView[],
  all: readonly OperationView[],
  settled: ReadonlySet<string | null>,
  isHeld: boolean,
): readonly OperationView[] {
  const [before, setBefore] = useState('');
  const kept = new Set(isHeld ? before.split(' ') : []);
  const held = all.filter(
    (view) => matching.includes(view) || (kept.has(view.operation.id) && !settled.has(view.operation.id)),
  );
  const now = held.map(({ operation }) => operation.id).join(' ');
  if (now !== before) setBefore(now);
  return held;
}

/** Announces each phase of an operation once, but not every change of its counts. */
function useAnnouncements(entries: readonly Entry[], onAnnounce: (text: string) => void): void {
  const announced = useRef(new Map<string, Phase>());
  useEffect(() => {
    const changed = entries.filter(({ view, phase }) => announced.current.get(view.operation.id) !== phase);
    for (const { view, phase } of changed) announced.current.set(view.operation.id, phase);
    if (changed.length > 0) onAnnounce(changed.map(sentenceOf).join(' '));
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

/** Publishes the height, so that floating elements stay above the tray. */
function publishHeight(tray: HTMLElement): () => void {
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() => style.setProperty('--tray-height', `${tray.offsetHeight}px`));
  observer.observe(tray);
  return () => {
    observer.disconnect();
    style.removeProperty('--tray-height');
  };
}
