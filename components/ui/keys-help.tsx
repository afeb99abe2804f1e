'use client';

import { Fragment } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';
import { Kbd } from './kbd';

/** Keys side by side are alternatives; those in one text are pressed together. */
type Line = { keys: readonly string[]; does: string };

const SECTIONS: readonly { title: string; place?: 'console'; lines: readonly Line[] }[] = [
  {
    title: 'Everywhere',
    lines: [
      { keys: ['Mod K'], does: 'Commands, and search for sandboxes' },
      { keys: ['?'], does: 'These keys' },
      { keys: ['Esc'], does: 'Close what is open' },
    ],
  },
  {
    title: 'Sandboxes',
    lines: [
      { keys: ['/'], does: 'Go to the filter' },
      { keys: ['↑', '↓'], does: 'Go to the row above or below' },
      { keys: ['Page ↑', 'Page ↓'], does: 'Twenty rows at once' },
      { keys: ['Home', 'End'], does: 'The first row, the last row' },
      { keys: ['Enter'], does: 'Open the sandbox' },
      { keys: ['Space'], does: 'Select the row, or no longer' },
      { keys: ['Shift ↑', 'Shift ↓', 'Shift Space'], does: 'Select up to the row' },
      { keys: ['Mod A'], does: 'Select all that match' },
      { keys: ['Tab'], does: 'From the rows to the acts on what is selected' },
      { keys: ['Shift F10'], does: 'Acts on the row' },
      { keys: ['Delete'], does: 'Kill what is selected, or the row; asks first' },
      { keys: ['Esc'], does: 'Select nothing' },
    ],
  },
  {
    title: 'Files',
    lines: [
      { keys: ['↑', '↓', 'Home', 'End'], does: 'Go through the files' },
      { keys: ['→', '←'], does: 'Unfold a folder, fold it or go to the one around it' },
      { keys: ['Enter'], does: 'Open the file, or go into the folder' },
      { keys: ['Backspace'], does: 'Go to the folder above' },
      { keys: ['A letter'], does: 'Go to the next name that begins so' },
      { keys: ['/'], does: 'Go to a path' },
      { keys: ['Mod P'], does: 'Open a file by its name, with the focus among the files' },
      { keys: ['Mod Shift F'], does: 'Search in the sandbox, likewise' },
      { keys: ['Space', 'Shift ↓'], does: 'Select' },
      { keys: ['Shift F10'], does: 'What can be done with the file' },
    ],
  },
  {
    title: 'Console, where every other key goes to the shell',
    place: 'console',
    lines: [
      { keys: ['Ctrl Shift C', 'Ctrl Insert'], does: 'Copy what is selected; ⌘C on a Mac' },
      { keys: ['Ctrl Shift V', 'Shift Insert'], does: 'Paste; several lines are shown first' },
      { keys: ['Ctrl Shift F', '⌘F'], does: 'Find in the terminal' },
      { keys: ['Mod +', 'Mod -', 'Mod 0'], does: 'Larger text, smaller text, the usual size' },
      { keys: ['Shift Page ↑', 'Shift Page ↓'], does: 'Scroll' },
      { keys: ['Ctrl F6'], does: 'Leave the terminal for its tab' },
      { keys: ['←', '→'], does: 'Among the tabs: the next console' },
      { keys: ['F2', 'Delete'], does: 'Among the tabs: rename it, close it' },
      { keys: ['F11', 'F12', 'Ctrl Shift A–Z'], does: 'The browser’s own' },
    ],
  },
];

/** Every key that means something. */
export function KeysHelp({
  isOpen,
  onClose,
  isMac,
  first,
}: {
  isOpen: boolean;
  onClose: () => void;
  isMac: boolean;
  /** Where one is: its keys come first. */
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
      title="Keys"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      {/* Scrolls by itself, so that it can be reached by keys: there is nothing else in it to go to. */}
      <section
        aria-label="All keys"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: as said.
        tabIndex={0}
        className="-mx-2 flex max-h-[60vh] flex-col gap-4 overflow-y-auto rounded-md px-2 pb-1"
      >
        {sections.map(({ title, lines }) => (
          <section key={title}>
            <h3 className="mb-2 text-ink-3 text-small">{title}</h3>
            <dl className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-6 gap-y-2">
              {lines.map(({ keys, does }) => (
                <Fragment key={does}>
                  <dt>{does}</dt>
                  <dd className="flex flex-wrap items-start justify-end gap-1">
                    {keys.map((key) => (
                      <Kbd key={key}>{key.replace('Mod', isMac ? '⌘' : 'Ctrl')}</Kbd>
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
