import type { ReactNode } from 'react';

/** One action of a menu, as data. */
export type MenuAct = {
  label: string;
  onActivate: () => void;
  /** Why the action is unavailable. It stays in the menu with the reason below its label. */
  disabledReason?: string | null;
  tone?: 'danger';
  /** Stands before the label, such as a colour. */
  start?: ReactNode;
  /** Stands at the end of the label's line, such as a number. */
  end?: ReactNode;
  /** Stands below the label. */
  detail?: ReactNode;
  /** The item is one of several to choose from, and whether it is chosen. */
  isChosen?: boolean;
  /** Draws a separator above. */
  separated?: boolean;
};

export type MenuProps = {
  /** The element that opened the menu, `null` while it is closed. */
  anchor: HTMLElement | null;
  acts: readonly MenuAct[];
  header?: ReactNode;
  onClose: () => void;
};
