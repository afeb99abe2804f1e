'use client';

import { X } from 'lucide-react';
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import { useAllLacking } from '@/components/data/use-fleet';
import { useOffers } from '@/components/data/use-offers';
import type { Roles } from '@/components/data/use-person';
import type { ActHandlers } from '@/components/sandbox/sandbox-acts';
import { Button } from '@/components/ui/button';
import { CopyButton, copyText } from '@/components/ui/copy-button';
import { focusHome } from '@/components/ui/focus-home';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import type { ActUnderWay } from '@/lib/operations/record/progress';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import {
  copyIdsLabel,
  idLines,
  type SelectionAct,
  selectionActs,
  selectionCommands,
  upkeepCommands,
} from './selection-acts';
import { hiddenText, kindTexts } from './selection-text';
import { DOCK_ID } from './use-active-row';

type Props = {
  /** The rows that actions apply to, in the order on screen. */
  rows: readonly IndexedSandbox[];
  /** The number of selected sandboxes hidden by the filter. */
  hidden: number;
  /** The number of rows that match the filter. */
  matching: number;
  roles: Roles;
  underWay: ReadonlyMap<SandboxKey, ActUnderWay>;
  protectedKey: string;
  bulkLimit: number;
  /** The reason that no action is available, or `null`. */
  blocked: string | null;
  handlers: ActHandlers;
  onSelectMatching: () => void;
  /** Clears the selection. */
  onClose: () => void;
  /** Called with the height that the dock covers. */
  onCover: (px: number) => void;
};

/** The summary of the selection and its actions, over the end of the list. */
export function SelectionDock({ rows, hidden, matching, onSelectMatching, ...props }: Props) {
  const { roles, underWay, protectedKey, bulkLimit, blocked, handlers } = props;
  const lacking = useAllLacking();
  const acts = useMemo(
    () => selectionActs(rows, { roles, lacking, underWay, protectedKey, bulkLimit, blocked }),
    [rows, roles, lacking, underWay, protectedKey, bulkLimit, blocked],
  );
  const kinds = useMemo(() => kindTexts(rows, { matching, protectedKey }), [rows, matching, protectedKey]);
  const isEmpty = rows.length === 0 && hidden === 0;
  useOffers(() =>
    isEmpty
      ? []
      : [
          ...selectionCommands(acts, ({ act, sandboxes }) => handlers[HANDLERS[act]](sandboxes)),
          ...upkeepCommands(rows, { onCopy: copyText, onClear: props.onClose }),
        ],
  );
  const copyLabel = copyIdsLabel(rows.length);
  if (isEmpty) return null;
  const isPartial = rows.length < matching && blocked === null;
  return (
    <Floating onCover={props.onCover}>
      <p className="flex flex-wrap items-center gap-x-2.5 max-sm:min-w-0 max-sm:flex-1 sm:mr-auto">
        <strong className="font-semibold">{rows.length} selected</strong>
        {kinds.length > 0 ? <span className="text-ink-2">{kinds.join(' · ')}</span> : null}
        {hidden > 0 ? <span className="text-paused">{hiddenText({ rows, hidden })}</span> : null}
        {isPartial ? (
          <button
            type="button"
            onClick={onSelectMatching}
            className="rounded-sm font-medium text-accent hover:underline"
          >
            Select all {matching} matching
          </button>
        ) : null}
      </p>
      <div
        role="group"
        aria-label="Selection actions"
        className="flex flex-wrap items-center gap-1.5 max-sm:order-1 max-sm:basis-full"
      >
        {acts.map((act) => (
          <ActButton key={act.act} {...act} onAct={handlers[HANDLERS[act.act]]} />
        ))}
      </div>
      <div className="flex items-center gap-2 border-line sm:border-l sm:pl-2">
        <CopyButton text={() => idLines(rows)} label={copyLabel} className="size-8!" />
        <button
          translate="no"
          type="button"
          aria-label="Clear selection"
          title="Clear selection"
          onClick={props.onClose}
          className="flex items-center justify-center rounded-sm border border-line bg-hover px-1.5 font-mono text-ink-2 text-small leading-5 hover:text-ink pointer-coarse:size-8"
        >
          <span className="pointer-coarse:hidden">esc</span>
          <X size={14} aria-hidden className="hidden pointer-coarse:block" />
        </button>
      </div>
    </Floating>
  );
}

const HANDLERS = {
  run: 'onRun',
  setTimeout: 'onSetTimeout',
  resume: 'onResume',
  pause: 'onPause',
  kill: 'onKill',
} satisfies Record<SandboxAct, keyof ActHandlers>;

const TONES = {
  run: 'plain',
  setTimeout: 'plain',
  resume: 'plain',
  pause: 'plain',
  kill: 'danger',
} as const satisfies Record<SandboxAct, string>;

type ActButtonProps = SelectionAct & { onAct: (sandboxes: Sandbox[]) => void };

function ActButton({ act, label, sandboxes, reason, onAct }: ActButtonProps) {
  return (
    <Button tone={TONES[act]} unavailable={reason} onClick={() => onAct(sandboxes)}>
      {label}
    </Button>
  );
}

const GAP_PX = 16;

/** A panel at the bottom centre. Reports the height it covers to the rows, and to toasts by a CSS variable. */
function Floating({ onCover, children }: { onCover: (px: number) => void; children: ReactNode }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = panel.current;
    if (!element) return;
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => {
      const coveredPx = element.offsetHeight + GAP_PX;
      style.setProperty('--dock-height', `${coveredPx}px`);
      onCover(coveredPx + GAP_PX);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      style.removeProperty('--dock-height');
      onCover(0);
    };
  }, [onCover]);
  // The panel disappears with the selection, and must not take the focus with it.
  useLayoutEffect(() => {
    const element = panel.current;
    return () => {
      if (element?.contains(document.activeElement)) focusHome()?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <div className="pointer-events-none absolute inset-x-0 bottom-0 z-30 flex justify-center p-4">
      <section
        ref={panel}
        id={DOCK_ID}
        aria-label="Selection"
        className="pointer-events-auto flex max-w-full flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-line bg-raise py-2 pr-3 pl-4 shadow-float transition-[opacity,translate] duration-100 starting:translate-y-1 starting:opacity-0"
      >
        {children}
      </section>
    </div>
  );
}
