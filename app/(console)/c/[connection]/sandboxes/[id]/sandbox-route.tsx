import { type ReactNode, Suspense } from 'react';
import { Terminated, UnknownSandbox, UnreadableSandbox } from '@/components/sandbox-page/no-sandbox';
import type { SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import type { SandboxTab } from '@/components/sandbox-page/sandbox-tabs';
import type { Caller } from '@/lib/access/guard';
import { readSandbox } from '@/lib/fleet/read-sandbox';
import { jsonOf } from '@/lib/json-of';
import { findEnding } from '@/lib/operations/record/ending';
import { hasOperations } from '@/lib/operations/record/record';
import { serviceClockOf } from '@/lib/sandbox-api/configured';
import { keyOf } from '@/lib/sandbox-key';

type Props = {
  /** As in the URL. */
  route: { connection: string; id: string };
  tab: SandboxTab;
  session: Caller;
  skeleton: ReactNode;
  /** Renders the page of an existing sandbox. */
  page: (props: SandboxPageProps) => ReactNode;
};

/** A page of one sandbox, for a session that the page has checked. */
export function SandboxRoute({ session, skeleton, ...request }: Props) {
  return (
    <Suspense fallback={skeleton}>
      <Content {...request} role={session.role} grants={session.grants} />
    </Suspense>
  );
}

type ContentProps = Pick<Props, 'route' | 'tab' | 'page'> & Pick<Caller, 'role' | 'grants'>;

/** Renders the sandbox, its ending, an unknown id, or a failed reading. */
async function Content({ route, tab, role, grants, page }: ContentProps) {
  const key = keyOf(route.connection, route.id);
  const [reading, isRecorded] = await Promise.all([readSandbox(key), hasOperations(key, grants)]);
  const known = { sandboxKey: key, tab, isRecorded };
  if (reading.kind === 'found')
    return page({ initial: jsonOf(reading.sandbox), role, ...serviceClockOf(key), isRecorded });
  if (reading.kind === 'unreadable')
    return <UnreadableSandbox {...known} message={reading.message} last={reading.last} />;
  const ending = reading.kind === 'gone' ? await findEnding(key, grants) : null;
  return ending === null ? (
    <UnknownSandbox sandboxKey={key} isRecorded={isRecorded} />
  ) : (
    <Terminated {...known} role={role} ending={ending} />
  );
}
