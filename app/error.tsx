'use client';

import { PageError, type PageErrorProps } from '@/components/shell/page-error';

/** Shown when a page outside the shell, or the shell itself, throws. */
export default function ErrorPage(props: PageErrorProps) {
  return <PageError {...props} />;
}
