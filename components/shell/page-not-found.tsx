import Link from 'next/link';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

/** In place of a page that does not exist. */
export function PageNotFound() {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice title="Page not found">
          <p>The address may be mistyped, or the page may have moved.</p>
          <p className="mt-4 flex gap-4">
            <Link href={paths.sandboxes()} className="text-accent underline">
              Go to Sandboxes
            </Link>
            <Link href={paths.operations()} className="text-accent underline">
              Go to Operations
            </Link>
          </p>
        </Notice>
      </NoticeColumn>
    </main>
  );
}
