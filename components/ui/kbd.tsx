import type { ReactNode } from 'react';

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd
      translate="no"
      className="rounded-sm border border-line bg-hover px-1.5 font-mono text-ink-2 text-small leading-5"
    >
      {children}
    </kbd>
  );
}

/** Whether shortcuts use the names of Mac keys. In the browser only. */
export function isOnMac(): boolean {
  return /Mac|iP(hone|ad|od)/.test(navigator.platform);
}
