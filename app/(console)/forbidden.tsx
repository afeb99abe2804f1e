import { PageForbidden } from '@/components/shell/page-forbidden';

/** Shown below the header for a page that needs a higher role. */
export default function ConsoleForbiddenPage() {
  return <PageForbidden />;
}
