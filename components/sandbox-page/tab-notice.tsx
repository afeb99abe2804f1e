import type { ReactNode } from 'react';
import { Notice, NoticeColumn } from '@/components/ui/notice';

type Props = { title: ReactNode; children: ReactNode };

/** A message in place of the content of a sandbox's tab. */
export function TabNotice({ title, children }: Props) {
  return (
    <NoticeColumn>
      <Notice level="h2" title={title} className="w-full">
        {children}
      </Notice>
    </NoticeColumn>
  );
}
