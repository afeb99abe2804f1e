import type { ReactNode } from 'react';

/** One action of a menu, as data. */
export type MenuAct = {
  label: string;
  onActivate: () => void;
  /** Why the action is unavailable. It stays in the menu with the reason below its label. */
  disabledReason?: string | null;
  tone?: 'danger';
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
