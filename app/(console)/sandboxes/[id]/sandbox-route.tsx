import { type ReactNode, Suspense } from 'react';
import { Terminated, UnknownSandbox, UnreadableSandbox } from '@/components/sandbox-page/no-sandbox';
import type { SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import type { SandboxTab } from '@/components/sandbox-page/sandbox-tabs';
import type { Session } from '@/lib/access/sessions';
import { lookAtSandbox } from '@/lib/fleet/read-sandbox';
import { findEnding } from '@/lib/operations/record/ending';
import { hasOperations } from '@/lib/operations/record/record';

type Props = {
  id: string;
  tab: SandboxTab;
  session: Session;
  skeleton: ReactNode;
  /** Renders the page of an existing sandbox. */
  page: (props: SandboxPageProps) => ReactNode;
};

/** A page of one sandbox, for a session that the page has checked. */
export function SandboxRoute({ session, skeleton, ...request }: Props) {
  return (
    <Suspense fallback={skeleton}>
      <Content {...request} role={session.role} />
    </Suspense>
  );
}

type ContentProps = Pick<Props, 'id' | 'tab' | 'page'> & Pick<Session, 'role'>;

/** Renders the sandbox, its ending, an unknown id, or a failed reading. */
async function Content({ id, tab, role, page }: ContentProps) {
  const [look, isRecorded] = await Promise.all([lookAtSandbox(id), hasOperations(id)]);
  const known = { id, tab, isRecorded };
  if (look.kind === 'there') return page({ initial: look.sandbox, role, nowMs: Date.now(), isRecorded });
  if (look.kind === 'unreadable')
    return <UnreadableSandbox {...known} message={look.message} last={look.last} />;
  const ending = look.kind === 'gone' ? await findEnding(id) : null;
  return ending === null ? (
    <UnknownSandbox id={id} isRecorded={isRecorded} />
  ) : (
    <Terminated {...known} ending={ending} />
  );
}
