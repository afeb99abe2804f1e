'use client';

import { PageError, type PageErrorProps } from '@/components/shell/page-error';

/** Shown below the header when a page throws. */
export default function ConsoleErrorPage(props: PageErrorProps) {
  return <PageError {...props} />;
}
