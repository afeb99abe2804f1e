import Link from 'next/link';
import type { ReactNode } from 'react';
import { FleetLink } from '@/components/data/fleet-return';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';

type Choice = { key: SandboxKey; address: string };

/** Shown for an id that several connections have. */
export function SandboxChoice({ id, choices }: { id: string; choices: readonly Choice[] }) {
  return (
    <Frame title="Several connections have this ID">
      <p>
        <code translate="no" className="break-all font-mono">
          {id}
        </code>{' '}
        is in:
      </p>
      <ul className="mt-2 flex flex-col gap-1">
        {choices.map(({ key, address }) => (
          <li key={key}>
            <Link href={address} className="text-accent underline">
              {connectionOf(key)}
            </Link>
          </li>
        ))}
      </ul>
    </Frame>
  );
}

/** Shown for an id that may be in a connection that could not be read. */
export function UnreadId({ message }: { message: string }) {
  return (
    <Frame title="This sandbox was not found yet">
      <p>{message}</p>
    </Frame>
  );
}

function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <NoticeColumn>
        <Notice level="h2" title={title}>
          {children}
        </Notice>
        <p className="mt-6">
          <FleetLink className="text-accent underline">All sandboxes</FleetLink>
        </p>
      </NoticeColumn>
    </main>
  );
}
