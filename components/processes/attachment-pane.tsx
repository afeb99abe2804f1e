'use client';

import { OutputPane } from '@/components/commands/output-block';
import { LiveWait } from '@/components/data/live-wait';
import { useLiveState } from '@/components/data/use-fleet';
import { Button } from '@/components/ui/button';
import { exactBytes } from '@/components/ui/bytes';
import { LocalTime } from '@/components/ui/local-time';
import { Visible } from '@/components/ui/visible-text';
import type { ProcessInfo } from '@/lib/processes/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { useAttachment } from './use-attachment';

type Props = { sandboxKey: SandboxKey; process: ProcessInfo; onClose: () => void };

export function AttachmentPane({ sandboxKey, process, onClose }: Props) {
  const { pid, mark, command } = process;
  const { phase, sinceMs, continuedMs, text, words } = useAttachment({ sandboxKey, pid, mark });
  const live = useLiveState();
  const isLive = phase === 'attached' || phase === 'joining' || phase === 'waiting';
  return (
    <section
      aria-label={`Output of process ${pid}`}
      className="flex shrink-0 flex-col gap-2 border-line border-y bg-raise px-5 py-3"
    >
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <p translate="no" className="min-w-0 flex-1 basis-80 truncate font-mono text-small">
          <span className="text-ink-3">{pid} </span>
          <Visible text={command} />
        </p>
        <p role="status" className="text-ink-2">
          {phase === 'joining' || (isLive && live === 'blocked') ? (
            <LiveWait channel="process" what="The output">
              Attaching…
            </LiveWait>
          ) : null}
          {phase === 'attached' && live !== 'blocked' && sinceMs !== null ? (
            <>
              Output since <LocalTime ms={sinceMs} isShort />. Earlier output is not available.
              {continuedMs === null ? null : (
                <>
                  {' '}
                  Interrupted until <LocalTime ms={continuedMs} isShort />: some output may be missing.
                </>
              )}
            </>
          ) : null}
          {words}
        </p>
        <Button onClick={onClose}>Detach</Button>
      </div>
      {text.leftOutBytes > 0 ? (
        <p className="text-ink-3 text-small">{exactBytes(text.leftOutBytes)} omitted in the middle</p>
      ) : null}
      {text.totalBytes === 0 ? (
        <p className="text-ink-3">{phase === 'attached' ? 'No output yet.' : null}</p>
      ) : (
        <OutputPane output={text} isLive={isLive} />
      )}
    </section>
  );
}
