import type { SandboxNow } from '@/components/sandbox-page/use-sandbox';
import type { ConsoleInfo, TerminalSize } from '@/lib/console/schema';
import type { Command } from '@/lib/palette/offers';
import type { SandboxState } from '@/lib/sandbox/schema';

/** What can be done with the console that is shown, and with the room around it. */
export type RoomActs = Record<
  | 'open'
  | 'openAs'
  | 'find'
  | 'clear'
  | 'copy'
  | 'download'
  | 'readers'
  | 'whole'
  | 'rename'
  | 'close'
  | 'keys'
  | 'beside'
  | 'copyLink',
  () => void
> & { zoom: (step: 1 | -1 | 0) => void };

const NO_SHELL = {
  running: null,
  paused: 'It is paused: no shell can be started in it.',
  unknown: 'Its state is not one this version knows.',
} satisfies Record<SandboxState, string | null>;

/** Why no shell can be opened in the sandbox now, or `null`. */
export function whyNoShell({ sandbox, isGone }: SandboxNow): string | null {
  return isGone ? 'The sandbox is terminated.' : NO_SHELL[sandbox.state];
}

/** What the palette offers here. */
export function consoleCommands(acts: RoomActs, reason: string | null, isOpen: boolean): Command[] {
  const none = isOpen ? null : 'No console is open.';
  const offer = (id: string, title: string, onRun: () => void, more: Partial<Command> = {}): Command => ({
    id: `console:${id}`,
    group: 'sandbox',
    title,
    words: 'console terminal shell',
    onRun,
    ...more,
  });
  return [
    offer('open', 'New console', acts.open, { disabledReason: reason }),
    offer('open-as', 'New console as another user or elsewhere…', acts.openAs, { disabledReason: reason }),
    offer('find', 'Find in the terminal', acts.find, { disabledReason: none, keys: 'Ctrl Shift F' }),
    offer('clear', 'Clear the terminal', acts.clear, { disabledReason: none }),
    offer('download', 'Download the scrollback', acts.download, { disabledReason: none }),
    offer('rename', 'Rename this console…', acts.rename, { disabledReason: none }),
    offer('close', 'Close this console', acts.close, { disabledReason: none }),
    offer('whole', 'Console on the whole screen, or no longer', acts.whole),
    offer('keys', 'Keys of the terminal', acts.keys),
  ];
}

const GLYPH_WIDTH_PER_PX = 0.6;
const LINE_HEIGHT = 1.25;
const MARGIN_PX = { width: 36, height: 70 };

/** About the size that a terminal will have in `room`, before there is one: the first prompt is drawn for it. */
export function sizeFor(room: HTMLElement | null, fontSize: number): TerminalSize {
  const { width = 960, height = 560 } = room?.getBoundingClientRect() ?? {};
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
  // The browser has taken what it needs by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The one to show beside: the next, or the one before the last. */
export function neighbour(consoles: readonly ConsoleInfo[], active: ConsoleInfo | null): ConsoleInfo | null {
  const at = consoles.findIndex(({ id }) => id === active?.id);
  return consoles[at + 1] ?? consoles[at - 1] ?? null;
}

/** The way out of a terminal by keys leads to its tab. */
export function focusTab(room: HTMLElement | null): void {
  room?.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
}
