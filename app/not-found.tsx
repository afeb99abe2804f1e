import Link from 'next/link';
import { Notice } from '@/components/ui/notice';
import { paths } from '@/lib/paths';

export default function NotFoundPage() {
  return (
    <main className="mx-auto max-w-xl p-10">
      <Notice title="Page not found">
        <Link href={paths.sandboxes()} className="text-accent underline">
          Go to Sandboxes
        </Link>
      </Notice>
    </main>
  );
}
