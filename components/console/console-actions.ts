import type { SandboxNow } from '@/components/sandbox-page/use-sandbox';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo, TerminalSize } from '@/lib/console/schema';
import type { Command } from '@/lib/palette/offers';
import type { SandboxState } from '@/lib/sandbox/schema';

/** The actions of the console page. Most apply to the active console. */
export type ConsoleActions = Record<
  | 'open'
  | 'openAs'
  | 'find'
  | 'clear'
  | 'reset'
  | 'copy'
  | 'download'
  | 'toggleScreenReader'
  | 'toggleFullScreen'
  | 'rename'
  | 'close'
  | 'showKeys'
  | 'toggleSideBySide'
  | 'copyLink',
  () => void
> & { zoom: (step: 1 | -1 | 0) => void };

const NO_SHELL = {
  running: null,
  paused: 'The sandbox is paused. Resume it to open a shell.',
  unknown: 'This version does not know the sandbox’s state.',
} satisfies Record<SandboxState, string | null>;

/** The reason why a shell cannot be opened now; `null` if it can. */
export function noShellReason({ sandbox, isGone }: SandboxNow): string | null {
  return isGone ? 'The sandbox is terminated.' : NO_SHELL[sandbox.state];
}

/** The reason why the terminal cannot be reset; `null` if it can. */
export function noResetReason(active: ConsoleInfo | null, link: LinkState | null): string | null {
  if (active === null) return 'No console is open.';
  if (active.state === 'ended') return 'The console has ended.';
  if (link?.phase !== 'attached' || active.state !== 'open') return 'The shell cannot be reached now.';
  return link.drives ? null : 'You are watching. Take the console over first.';
}

/** The commands for the palette. */
export function consoleCommands(
  actions: ConsoleActions,
  reason: string | null,
  active: ConsoleInfo | null,
  link: LinkState | null,
): Command[] {
  const none = active === null ? 'No console is open.' : null;
  const offer = (id: string, title: string, onRun: () => void, more: Partial<Command> = {}): Command => ({
    id: `console:${id}`,
    group: 'sandbox',
    title,
    words: 'console terminal shell',
    onRun,
    ...more,
  });
  return [
    offer('open', 'New console', actions.open, { disabledReason: reason }),
    offer('open-as', 'New console with user and folder…', actions.openAs, { disabledReason: reason }),
    offer('find', 'Find in terminal', actions.find, { disabledReason: none, keys: 'Ctrl Shift F' }),
    offer('clear', 'Clear terminal', actions.clear, { disabledReason: none }),
    offer('reset', 'Reset terminal', actions.reset, {
      disabledReason: noResetReason(active, link),
      words: 'console terminal shell mouse modes garbled',
    }),
    offer('download', 'Download scrollback', actions.download, { disabledReason: none }),
    offer('rename', 'Rename console…', actions.rename, { disabledReason: none }),
    offer('close', 'Close console', actions.close, { disabledReason: none }),
    offer('whole', 'Toggle full screen', actions.toggleFullScreen),
    offer('keys', 'Terminal keyboard shortcuts', actions.showKeys),
  ];
}

const GLYPH_WIDTH_PER_PX = 0.6;
const LINE_HEIGHT = 1.25;
const MARGIN_PX = { width: 36, height: 70 };

/** Estimates the size of a terminal in `container` before it is rendered. The first prompt is drawn for this size. */
export function estimateSize(container: HTMLElement | null, fontSize: number): TerminalSize {
  const { width = 960, height = 560 } = container?.getBoundingClientRect() ?? {};
  const cols = Math.floor((width - MARGIN_PX.width) / (fontSize * GLYPH_WIDTH_PER_PX));
  const rows = Math.floor((height - MARGIN_PX.height) / (fontSize * LINE_HEIGHT));
  return { cols: Math.min(1_000, Math.max(20, cols)), rows: Math.min(1_000, Math.max(5, rows)) };
}

export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has read the blob by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The console to show next to the active one: the following one, or else the previous one. */
export function neighbour(consoles: readonly ConsoleInfo[], active: ConsoleInfo | null): ConsoleInfo | null {
  const at = consoles.findIndex(({ id }) => id === active?.id);
  return consoles[at + 1] ?? consoles[at - 1] ?? null;
}

/** Moves the focus out of the terminal to its tab. */
export function focusTab(container: HTMLElement | null): void {
  container?.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
}

/** The share of `px` in the width of `frame`, or in its height if its panes are stacked. `null` for the default. */
export function shareOf(px: number | null, frame: HTMLElement | null): number | null {
  if (px === null || frame === null) return null;
  const isStacked = getComputedStyle(frame).flexDirection === 'column';
  return px / (isStacked ? frame.clientHeight : frame.clientWidth);
}
