import Link from 'next/link';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

/** In place of a connection that does not exist, or not any more. */
export function UnknownConnection() {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice title="Connection not found">
          <p>
            The name may be mistyped, or the connection may have been removed. The{' '}
            <Link href={paths.access()} className="text-accent underline">
              access log
            </Link>{' '}
            says who removed it.
          </p>
          <p className="mt-4">
            <Link href={paths.sandboxes()} className="text-accent underline">
              Go to Sandboxes
            </Link>
          </p>
        </Notice>
      </NoticeColumn>
    </main>
  );
}
