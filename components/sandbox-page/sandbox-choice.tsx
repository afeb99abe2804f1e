import Link from 'next/link';
import { FleetLink } from '@/components/data/fleet-return';
import { Notice } from '@/components/ui/notice';
import { paths } from '@/lib/paths';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { TabColumn } from './tab-notice';

/** Shown for an id that several connections have. */
export function SandboxChoice({ id, keys }: { id: string; keys: readonly SandboxKey[] }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <TabColumn>
        <Notice level="h2" title="Several connections have this ID">
          <p>
            <code translate="no" className="break-all font-mono">
              {id}
            </code>{' '}
            is in:
          </p>
          <ul className="mt-2 flex flex-col gap-1">
            {keys.map((key) => (
              <li key={key}>
                <Link href={paths.sandbox(key)} className="text-accent underline">
                  {connectionOf(key)}
                </Link>
              </li>
            ))}
          </ul>
        </Notice>
        <p className="mt-6">
          <FleetLink className="text-accent underline">All sandboxes</FleetLink>
        </p>
      </TabColumn>
    </main>
  );
}
