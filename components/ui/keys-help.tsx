'use client';

import { Fragment } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';
import { Kbd } from './kbd';

/** The entries of `keys` are alternatives. Keys within an entry are pressed together. */
type Line = { keys: readonly string[]; does: string };

const SECTIONS: readonly { title: string; place?: 'console'; lines: readonly Line[] }[] = [
  {
    title: 'Everywhere',
    lines: [
      { keys: ['Mod K'], does: 'Open commands and sandbox search' },
      { keys: ['?'], does: 'Show keyboard shortcuts' },
      { keys: ['Esc'], does: 'Close the open dialog or menu' },
    ],
  },
  {
    title: 'Sandboxes',
    lines: [
      { keys: ['/'], does: 'Focus the filter' },
      { keys: ['Mod A'], does: 'Select all terms, to copy or replace them (focus on the filter)' },
      { keys: ['↑', '↓'], does: 'Previous or next row' },
      { keys: ['Page ↑', 'Page ↓'], does: 'Twenty rows up or down' },
      { keys: ['Home', 'End'], does: 'First or last row' },
      { keys: ['Enter'], does: 'Open the sandbox' },
      { keys: ['Space'], does: 'Toggle selection' },
      { keys: ['Shift ↑', 'Shift ↓', 'Shift Space'], does: 'Extend selection' },
      { keys: ['Mod A'], does: 'Select all matching' },
      { keys: ['Tab'], does: 'Go to the actions on the selection' },
      { keys: ['Shift F10'], does: 'Open the row’s actions' },
      { keys: ['Delete'], does: 'Kill the selection or the row, after confirmation' },
      { keys: ['Esc'], does: 'Clear selection' },
      { keys: ['←', '→'], does: 'Other columns (focus on a column title)' },
      { keys: ['Alt ←', 'Alt →'], does: 'Move the column (focus on its title)' },
    ],
  },
  {
    title: 'Files',
    lines: [
      { keys: ['↑', '↓', 'Home', 'End'], does: 'Previous, next, first or last file' },
      { keys: ['→', '←'], does: 'Expand a folder, collapse it or go to its parent' },
      { keys: ['Enter'], does: 'Open the file or folder' },
      { keys: ['Backspace'], does: 'Go to the parent folder' },
      { keys: ['A letter'], does: 'Go to the next name with that letter' },
      { keys: ['/'], does: 'Go to a path' },
      { keys: ['Mod P'], does: 'Open a file by name (focus on the files)' },
      { keys: ['Mod Shift F'], does: 'Search the sandbox (focus on the files)' },
      { keys: ['Space', 'Shift ↓'], does: 'Toggle or extend selection' },
      { keys: ['F2'], does: 'Rename the file' },
      { keys: ['Delete'], does: 'Delete the file or the selected files' },
      { keys: ['Shift F10'], does: 'Open the file’s actions' },
    ],
  },
  {
    title: 'Console (all other keys go to the shell)',
    place: 'console',
    lines: [
      { keys: ['Ctrl Shift C', 'Ctrl Insert'], does: 'Copy the selection (⌘C on a Mac)' },
      { keys: ['Ctrl Shift V', 'Shift Insert'], does: 'Paste, with a preview of several lines' },
      { keys: ['Ctrl Shift F', '⌘F'], does: 'Find in the terminal' },
      { keys: ['Mod +', 'Mod -', 'Mod 0'], does: 'Larger, smaller or default text size' },
      { keys: ['Shift Page ↑', 'Shift Page ↓'], does: 'Scroll' },
      { keys: ['Ctrl F6'], does: 'Move the focus to the tab' },
      { keys: ['←', '→'], does: 'Previous or next console (focus on the tabs)' },
      { keys: ['F2', 'Delete'], does: 'Rename or close the console (focus on the tabs)' },
      { keys: ['F11', 'F12', 'Ctrl Shift A–Z'], does: 'Handled by the browser' },
    ],
  },
];

/** The list of keyboard shortcuts. */
export function KeysHelp({
  isOpen,
  onClose,
  isMac,
  first,
}: {
  isOpen: boolean;
  onClose: () => void;
  isMac: boolean;
  /** The section to put first. */
  first?: 'console';
}) {
  const isFirst = ({ place }: (typeof SECTIONS)[number]) => place !== undefined && place === first;
  const sections = SECTIONS.toSorted((one, other) => Number(isFirst(other)) - Number(isFirst(one)));
  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Keyboard shortcuts"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      <section
        aria-label="All shortcuts"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls and contains nothing else to focus.
        tabIndex={0}
        className="-mx-2 flex max-h-[60vh] flex-col gap-4 overflow-y-auto rounded-md px-2 pb-1"
      >
        {sections.map(({ title, lines }) => (
          <section key={title}>
            <h3 className="mb-2 text-ink-3 text-small">{title}</h3>
            <dl className="grid grid-cols-[minmax(0,1fr)_fit-content(50%)] gap-x-6 gap-y-2">
              {lines.map(({ keys, does }) => (
                <Fragment key={does}>
                  <dt>{does}</dt>
                  <dd className="flex flex-wrap items-start justify-end gap-1">
                    {keys.map((key) => (
                      <Kbd key={key} isOnTouch>
                        {key.replace('Mod', isMac ? '⌘' : 'Ctrl')}
                      </Kbd>
                    ))}
                  </dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </section>
    </Dialog>
  );
}
