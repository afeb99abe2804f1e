import type { ReactNode } from 'react';

/** One act in a menu, as data. */
export type MenuAct = {
  label: string;
  onActivate: () => void;
  /** Why it cannot be done now; shown instead of hiding the act. */
  disabledReason?: string | null;
  tone?: 'danger';
  /** Draws a line above. */
  separated?: boolean;
};

export type MenuProps = {
  /** The element that opened it; `null` closes it. */
  anchor: HTMLElement | null;
  acts: readonly MenuAct[];
  header?: ReactNode;
  onClose: () => void;
};
