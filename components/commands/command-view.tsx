'use client';

import { useUrlState } from '@/components/data/use-url-state';
import { type Role, roleSuffices } from '@/lib/roles';
import type { SandboxAct } from '@/lib/sandbox/can';

const VIEWS = { results: 'By result', sandboxes: 'By sandbox' } as const;
export type CommandView = keyof typeof VIEWS;

/** The view of a command's sandboxes, stored in the URL. `null`: there is no choice. */
export function useCommandView(
  act: SandboxAct,
  role: Role,
): [CommandView | null, (view: CommandView) => void] {
  const [text, setText] = useUrlState('view');
  const hasChoice = act === 'run' && roleSuffices(role, 'operator');
  const view = text === 'sandboxes' ? 'sandboxes' : 'results';
  return [hasChoice ? view : null, (chosen) => setText(chosen === 'results' ? null : chosen)];
}

export function CommandViewChoice({
  view,
  onChoose,
}: {
  view: CommandView;
  onChoose: (view: CommandView) => void;
}) {
  return (
    <fieldset aria-label="Show" className="ml-auto flex gap-1">
      {Object.entries(VIEWS).map(([name, label]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === view}
          onClick={() => onChoose(name as CommandView)}
          className="rounded-sm px-2 text-ink-2 hover:bg-hover aria-pressed:bg-selected aria-pressed:font-medium aria-pressed:text-ink"
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}
