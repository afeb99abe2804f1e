'use client';

import { LiveWait } from '@/components/data/live-wait';
import { useLacking, useLiveState } from '@/components/data/use-fleet';
import { whyNot } from '@/components/sandbox/sandbox-acts';
import { TabNotice } from '@/components/sandbox-page/tab-notice';
import { Button } from '@/components/ui/button';
import type { ConsoleInfo } from '@/lib/console/schema';
import { liveSocket } from '@/lib/live/socket';
import type { Role } from '@/lib/roles';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';
import { NO_CONSOLE } from './console-words';

type Props = {
  sandbox: Sandbox;
  role: Role;
  /** Whether the list of consoles has been loaded. */
  isKnown: boolean;
  isOpening: boolean;
  /** The reason why a shell cannot be opened; `null` if it can. */
  reason: string | null;
  /** The error of the last attempt. */
  problem: string | null;
  others: readonly ConsoleInfo[];
  onOpen: () => void;
  onOpenAs: () => void;
  onResume: () => void;
};

/** Shown instead of a terminal, with the reason and the possible actions. */
export function ConsoleEmpty({
  sandbox,
  role,
  isKnown,
  isOpening,
  reason,
  problem,
  others,
  ...actions
}: Props) {
  const lacking = useLacking(connectionOf(sandbox.key));
  const live = useLiveState();
  if (isOpening || !isKnown)
    return (
      <p translate="no" role="status" className="px-4 py-3 font-mono text-ink-3">
        {isOpening ? (
          'Starting a shell…'
        ) : (
          <LiveWait channel="consoles" what="The list of consoles">
            Loading consoles…
          </LiveWait>
        )}
      </p>
    );
  // First, because nothing else helps: not to resume the sandbox either.
  if (live === 'blocked')
    return (
      <TabNotice title="Consoles cannot be shown">
        <p className="mb-4">{NO_CONSOLE}</p>
        <Button onClick={() => liveSocket().retryNow()}>Retry now</Button>
      </TabNotice>
    );
  if (sandbox.state === 'paused')
    return (
      <TabNotice title="The sandbox is paused">
        <p className="mb-4">
          Opening this page does not wake it. When you resume it, its processes continue and its timeout
          starts again.
        </p>
        <Button
          tone="primary"
          unavailable={whyNot(sandbox, 'resume', { role, lacking })}
          onClick={actions.onResume}
        >
          Resume…
        </Button>
      </TabNotice>
    );
  if (reason !== null) return <TabNotice title="Consoles are unavailable">{<p>{reason}</p>}</TabNotice>;
  return (
    <TabNotice title={problem === null ? 'No open consoles' : 'The shell could not be opened'}>
      {problem === null ? (
        <p className="mb-4">
          A shell keeps running when you leave this page, until the sandbox ends.{' '}
          {others.length > 0 ? 'To watch a console of another person, select its tab.' : null}
        </p>
      ) : (
        <p role="alert" className="mb-4 text-ink">
          {problem}
        </p>
      )}
      <span className="flex gap-2">
        <Button tone="primary" onClick={actions.onOpen}>
          Open shell
        </Button>
        <Button onClick={actions.onOpenAs}>Choose user and folder…</Button>
      </span>
    </TabNotice>
  );
}
