import { PageNotFound } from '@/components/shell/page-not-found';

/** Shown below the header for an address without a page. */
export default function ConsoleNotFoundPage() {
  return <PageNotFound />;
}
