import type { ReactNode } from 'react';

/** A key as it stands on keyboards. */
export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="rounded-sm border border-line bg-hover px-1.5 font-mono text-ink-2 text-small leading-5">
      {children}
    </kbd>
  );
}

/** Whether keys are named as on a Mac. In the browser only. */
export function isOnMac(): boolean {
  return /Mac|iP(hone|ad|od)/.test(navigator.platform);
}
