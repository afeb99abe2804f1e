'use client';

import type { ReactNode } from 'react';
import { whyNot } from '@/components/sandbox/sandbox-acts';
import { Button } from '@/components/ui/button';
import { Notice } from '@/components/ui/notice';
import type { Role } from '@/lib/access/roles';
import type { ConsoleInfo } from '@/lib/console/schema';
import type { Sandbox } from '@/lib/sandbox/schema';

type Props = {
  sandbox: Sandbox;
  role: Role;
  /** Whether the server has said which consoles there are. */
  isKnown: boolean;
  isOpening: boolean;
  /** Why none can be opened, or `null`. */
  reason: string | null;
  /** What went wrong with the last try. */
  problem: string | null;
  others: readonly ConsoleInfo[];
  onOpen: () => void;
  onOpenAs: () => void;
  onResume: () => void;
};

/** Stands where a terminal would: says why there is none, and what can be done about it. */
export function ConsoleEmpty({ sandbox, role, isKnown, isOpening, reason, problem, others, ...acts }: Props) {
  if (isOpening || !isKnown)
    return (
      <p role="status" className="px-4 py-3 font-mono text-ink-3">
        {isOpening ? 'Starting a shell…' : 'Looking for consoles…'}
      </p>
    );
  if (sandbox.state === 'paused')
    return (
      <Middle title="It is paused, so no shell can run in it">
        <p className="mb-4">
          Being here does not wake it. When it is resumed, its processes go on from where they were stopped,
          and it has a deadline again.
        </p>
        <Button tone="primary" unavailable={whyNot(sandbox, 'resume', { role })} onClick={acts.onResume}>
          Resume…
        </Button>
      </Middle>
    );
  if (reason !== null) return <Middle title="No shell can be opened in it">{<p>{reason}</p>}</Middle>;
  return (
    <Middle title={problem === null ? 'No console is open here' : 'No shell could be opened'}>
      {problem === null ? (
        <p className="mb-4">
          A shell lives on when you leave this page, for as long as the sandbox does.{' '}
          {others.length > 0 ? 'Those of others are above: choose one to watch it.' : null}
        </p>
      ) : (
        <p role="alert" className="mb-4 text-ink">
          {problem}
        </p>
      )}
      <span className="flex gap-2">
        <Button tone="primary" onClick={acts.onOpen}>
          Open a shell
        </Button>
        <Button onClick={acts.onOpenAs}>Choose user and folder…</Button>
      </span>
    </Middle>
  );
}

function Middle({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center overflow-y-auto px-5 py-[8vh]">
      <Notice level="h2" title={title} className="w-full">
        {children}
      </Notice>
    </div>
  );
}
