import type { ReactNode } from 'react';
import { Notice } from '@/components/ui/notice';

type Props = { title: ReactNode; children: ReactNode };

/** A message in place of the content of a sandbox's tab. */
export function TabNotice({ title, children }: Props) {
  return (
    <TabColumn>
      <Notice level="h2" title={title} className="w-full">
        {children}
      </Notice>
    </TabColumn>
  );
}

/** The place of a message on a sandbox's page, and of what belongs to it. It is the same on all of them. */
export function TabColumn({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
      <div className="w-full max-w-xl">{children}</div>
    </div>
  );
}
