import { PageNotFound } from '@/components/shell/page-not-found';

/** For addresses outside the shell. Those within are in `(console)/not-found.tsx`. */
export default function NotFoundPage() {
  return <PageNotFound />;
}
