import Link from 'next/link';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

/** In place of a page that needs a higher role. */
export function PageForbidden() {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice title="Your role does not allow this page">
          <p>Ask an admin to open it for you, or to give you a higher role. The account menu shows yours.</p>
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
