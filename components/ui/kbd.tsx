import { clsx } from 'clsx';
import type { ReactNode } from 'react';

type Props = { children: ReactNode; isOnTouch?: boolean };

/** A key. Hidden on touch screens unless `isOnTouch`, because there is none to press. */
export function Kbd({ children, isOnTouch = false }: Props) {
  return (
    <kbd
      translate="no"
      className={clsx(
        'rounded-sm border border-line bg-hover px-1.5 font-mono text-ink-2 text-small leading-5',
        isOnTouch || 'pointer-coarse:hidden',
      )}
    >
      {children}
    </kbd>
  );
}

/** Whether shortcuts use the names of Mac keys. In the browser only. */
export function isOnMac(): boolean {
  return /Mac|iP(hone|ad|od)/.test(navigator.platform);
}
