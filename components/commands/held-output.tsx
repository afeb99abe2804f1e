'use client';

import { useState } from 'react';
import { LiveWait } from '@/components/data/live-wait';
import { Button } from '@/components/ui/button';
import type { SandboxKey } from '@/lib/sandbox-key';
import { OutputBlock } from './output-block';
import { type HeldOutput, useHeldOutput } from './use-command';

type Props = { operationId: string; sandboxKey: SandboxKey };

/** Says that a background process holds the output of an ended command open, and follows it on request. */
export function HeldOutputNote({ operationId, sandboxKey }: Props) {
  const [isFollowing, setIsFollowing] = useState(false);
  return (
    <section aria-label="Background output" className="flex flex-col gap-2">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-2">
        Output is still held open by a background process. The command itself has ended.
        <Button onClick={() => setIsFollowing(!isFollowing)}>
          {isFollowing ? 'Leave it' : 'Follow its output'}
        </Button>
      </p>
      {isFollowing ? <Following operationId={operationId} sandboxKey={sandboxKey} /> : null}
    </section>
  );
}

function Following({ operationId, sandboxKey }: Props) {
  const held = useHeldOutput(operationId, sandboxKey);
  return held.isJoined ? (
    <HeldOutputView held={held} />
  ) : (
    <p role="status" className="text-ink-3">
      <LiveWait channel="held" what="The output of a background process">
        Connecting…
      </LiveWait>
    </p>
  );
}

export function HeldOutputView({ held: { stdout, stderr, ending } }: { held: Omit<HeldOutput, 'isJoined'> }) {
  const isLive = ending === null;
  const wroteNothing = stdout.totalBytes + stderr.totalBytes === 0;
  return (
    <>
      <p role="status" className="text-ink-3">
        {ending ?? 'Following. New output is shown here and is not recorded.'}
      </p>
      {stdout.totalBytes > 0 ? <OutputBlock name="stdout" output={stdout} isLive={isLive} /> : null}
      {stderr.totalBytes > 0 ? <OutputBlock name="stderr" output={stderr} isLive={isLive} /> : null}
      {wroteNothing && isLive ? <p className="text-ink-3">No new output yet</p> : null}
    </>
  );
}
