import type { MenuAct } from '@/components/ui/menu-act';
import type { Command, CommandGroup } from '@/lib/palette/offers';

/** The actions of a menu as commands of the palette. */
export function commandsOf(group: CommandGroup, acts: readonly MenuAct[]): Command[] {
  return acts.map(({ label, onActivate, disabledReason, tone }) => ({
    id: `${group}:${label}`,
    group,
    title: label,
    words: group,
    disabledReason: disabledReason ?? null,
    ...(tone === undefined ? {} : { tone }),
    onRun: onActivate,
  }));
}
