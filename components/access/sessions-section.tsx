'use client';

import { useState } from 'react';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { LocalTime } from '@/components/ui/local-time';
import { Section } from '@/components/ui/section';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { Visible } from '@/components/ui/visible-text';
import {
  endOtherOwnSessions,
  endOwnSession,
  endSessionOfPerson,
  endSessionsOfPerson,
} from '@/lib/access/profile/actions';
import type { ListedSession } from '@/lib/access/session-schema';
import { answerOf } from '@/lib/answer';
import { deviceName } from './device-name';
import { METHOD_WORDS } from './method-words';

type Props = {
  sessions: readonly ListedSession[];
  /** Another person, whose sessions an admin sees. `null`: one's own. */
  person: { id: string; name: string } | null;
};

/** A session to end, or all of them but this browser's. */
type Target = ListedSession | 'all';

/** The open sessions of a person, each with what ends it. */
export function SessionsSection({ sessions, person }: Props) {
  const [asked, setAsked] = useState<{ target: Target; isOpen: boolean; count: number } | null>(null);
  const others = sessions.filter(({ isCurrent }) => !isCurrent);
  const ask = (target: Target) => setAsked({ target, isOpen: true, count: (asked?.count ?? 0) + 1 });
  return (
    <Section
      title="Sessions"
      actions={
        others.length > 1 || (others.length === 1 && person !== null) ? (
          <Button onClick={() => ask('all')}>
            {person === null ? 'End all other sessions…' : 'End all sessions…'}
          </Button>
        ) : undefined
      }
    >
      {sessions.length === 0 ? <p className="px-4 py-3 text-ink-2">Not signed in anywhere.</p> : null}
      <ul>
        {sessions.map((session) => (
          <li
            key={session.ref}
            className="flex flex-wrap items-center gap-x-4 gap-y-1 border-line-soft border-b px-4 py-2.5 last:border-b-0"
          >
            <Facts session={session} />
            {session.isCurrent ? (
              <span className="rounded-full bg-selected px-2 text-small">This browser</span>
            ) : (
              <Button
                aria-label={`End the session in ${deviceOf(session)}`}
                onClick={() => ask(session)}
                className="ml-auto"
              >
                End session…
              </Button>
            )}
          </li>
        ))}
      </ul>
      {asked === null ? null : (
        <EndDialog
          key={asked.count}
          target={asked.target}
          isOpen={asked.isOpen}
          person={person}
          onClose={() => setAsked({ ...asked, isOpen: false })}
        />
      )}
    </Section>
  );
}

function Facts({ session }: { session: ListedSession }) {
  const { method, address, createdAtMs, lastSeenAtMs } = session;
  return (
    <div className="min-w-0 flex-[1_1_16rem]">
      <div className="truncate font-medium">
        <Visible text={deviceOf(session)} title />
      </div>
      <div className="text-ink-2 text-small">
        {METHOD_WORDS[method]}
        {address === null || address === '' ? null : (
          <>
            {', from '}
            <span translate="no" className="font-mono">
              {address}
            </span>
          </>
        )}
      </div>
      <div className="text-ink-3 text-small">
        Last used <LocalTime ms={lastSeenAtMs} isShort />, signed in <LocalTime ms={createdAtMs} isShort />
      </div>
    </div>
  );
}

function deviceOf({ userAgent }: ListedSession): string {
  return deviceName(userAgent ?? '', 'Unknown browser');
}

type DialogProps = {
  target: Target;
  isOpen: boolean;
  person: Props['person'];
  onClose: () => void;
};

function EndDialog({ target, isOpen, person, onClose }: DialogProps) {
  const refresh = useRefresh();
  const [isBusy, setIsBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const isOne = target !== 'all';
  const whose = person === null ? '' : ` of ${person.name}`;

  async function end() {
    setIsBusy(true);
    setRefusal(null);
    const answer = await endOf(target, person);
    setIsBusy(false);
    if (answer?.ok) {
      toast.success(isOne ? 'Ended the session' : 'Ended the sessions');
      onClose();
      refresh();
    } else setRefusal(answer?.error.message ?? 'The server could not be reached. Try again.');
  }

  return (
    <ConfirmDialog
      open={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={
        isOne
          ? `End the session in ${deviceOf(target)}?`
          : person === null
            ? 'End all other sessions?'
            : `End all sessions${whose}?`
      }
      description={`${isOne ? 'Its' : 'Their'} tabs, consoles, downloads and uploads end within a second. Operations that were started in ${
        isOne ? 'it' : 'them'
      } send nothing more: what has not been sent is cancelled, and their record says why. To let operations go on, sign out in that browser instead.`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" isBusy={isBusy} onClick={() => void end()}>
            {isBusy ? 'Ending…' : isOne ? 'End session' : 'End sessions'}
          </Button>
        </>
      }
    >
      {refusal === null ? null : <Alert>{refusal}</Alert>}
    </ConfirmDialog>
  );
}

function endOf(target: Target, person: Props['person']) {
  if (target === 'all' && person === null) return answerOf(endOtherOwnSessions({}));
  if (target === 'all') return answerOf(endSessionsOfPerson({ userId: person?.id ?? '' }));
  if (person === null) return answerOf(endOwnSession({ ref: target.ref }));
  return answerOf(endSessionOfPerson({ userId: person.id, ref: target.ref }));
}
