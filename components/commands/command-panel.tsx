'use client';

import Link from 'next/link';
import { useState } from 'react';
import { LiveWait } from '@/components/data/live-wait';
import { useLiveState } from '@/components/data/use-fleet';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { formatTook } from '@/components/ui/duration';
import { useTick } from '@/components/ui/tick';
import { toast } from '@/components/ui/toast';
import { Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { type CommandEntry, outputAsText } from '@/lib/commands/schema';
import { commandResult } from '@/lib/commands/words';
import { cancelOperation } from '@/lib/operations/actions';
import { operationProgress } from '@/lib/operations/record/progress';
import { paths } from '@/lib/paths';
import { idOf, type SandboxKey } from '@/lib/sandbox-key';
import { CommandBadge } from './command-badge';
import { HeldOutputNote } from './held-output';
import { OutputBlock } from './output-block';
import { type LiveCommand, useCommand } from './use-command';

type Props = {
  operationId: string;
  sandboxKey: SandboxKey;
  entry: CommandEntry | undefined;
  /** Why it cannot be run again, or `null`. */
  reason: string | null;
  onAgain: (entry: CommandEntry) => void;
  onClose: () => void;
};

export function CommandPanel({ operationId, sandboxKey, entry, reason, onAgain, onClose }: Props) {
  const now = useCommand(operationId, sandboxKey);
  const { phase, stdout, stderr } = now;
  const isOver = phase === 'ended' || phase === 'refused';
  const wroteNothing = stdout.totalBytes === 0 && stderr.totalBytes === 0;
  return (
    <section aria-label="Output" className="flex flex-col gap-3 border-line border-b bg-raise px-5 py-3">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <p
          translate="no"
          className="flex min-w-0 flex-1 basis-80 gap-2 py-1.5 font-mono text-[12.5px] leading-5"
        >
          <span aria-hidden className="select-none text-ink-3">
            $
          </span>
          <span className="max-h-24 min-w-0 overflow-y-auto whitespace-pre-wrap break-all">
            {entry ? <Visible text={entry.command} shape="block" /> : null}
          </span>
          {entry ? (
            <CopyButton text={entry.command} label="Copy command" className="-my-0.5 shrink-0" />
          ) : null}
        </p>
        <div className="flex flex-wrap items-center gap-2">
          <Status now={now} />
          {isOver ? null : <StopButton operationId={operationId} />}
          {isOver && entry ? (
            <Button unavailable={reason} onClick={() => onAgain(entry)}>
              Run again
            </Button>
          ) : null}
          <Button
            unavailable={wroteNothing ? 'There is no output.' : null}
            onClick={() => void copyOutput(now)}
          >
            Copy output
          </Button>
          <Button
            unavailable={wroteNothing ? 'There is no output.' : null}
            onClick={() => downloadOutput(now, operationId, sandboxKey)}
          >
            Download output
          </Button>
          <Link href={paths.operation(operationId)} className="px-1 text-accent hover:underline">
            View operation
          </Link>
          <Button tone="quiet" aria-label="Close output" onClick={onClose} className="px-2!">
            ✕
          </Button>
        </div>
      </div>
      <Connection isOver={isOver} isJoining={phase === 'joining'} />
      {now.interruption === null ? null : (
        <p role="status" className="text-ink-2">
          {now.interruption}
        </p>
      )}
      {now.run?.ending === 'held' ? (
        <HeldOutputNote operationId={operationId} sandboxKey={sandboxKey} />
      ) : null}
      {now.phase === 'waiting' ? (
        <p className="text-ink-2">
          It is queued, or runs in another Sandkeeper process. In that case its output appears when it has
          ended.
        </p>
      ) : null}
      {now.message !== null && !isPlainEnd(now) ? (
        <p role="status" className="text-ink-2">
          {now.message}
        </p>
      ) : null}
      {wroteNothing ? (
        <p className="text-ink-3">
          {phase === 'ended' ? 'No output' : phase === 'running' ? 'No output yet' : null}
        </p>
      ) : (
        <div
          className="grid gap-3 data-[two]:xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]"
          data-two={stdout.totalBytes > 0 && stderr.totalBytes > 0 ? '' : undefined}
        >
          {stdout.totalBytes > 0 ? <OutputBlock name="stdout" output={stdout} isLive={!isOver} /> : null}
          {stderr.totalBytes > 0 ? <OutputBlock name="stderr" output={stderr} isLive={!isOver} /> : null}
        </div>
      )}
    </section>
  );
}

/** Whether the status says everything: an exit code, and that others hold the output. */
function isPlainEnd({ run, message }: LiveCommand): boolean {
  if (run === null || (run.ending !== 'exited' && run.ending !== 'held')) return false;
  return message === commandResult({ ...run, ending: run.ending }).message;
}

function Status({ now: { phase, run, outcome, startedAtMs } }: { now: LiveCommand }) {
  return (
    <span role="status" aria-label="Status" className="flex items-baseline gap-2 pr-2">
      {phase === 'joining' ? (
        <LiveWait channel="run" what="The output">
          <span className="text-ink-3">Reading…</span>
        </LiveWait>
      ) : null}
      {phase === 'waiting' ? (
        <CommandBadge ending={null} exitCode={null} signal={null} outcome="waiting" hasStderr={false} />
      ) : null}
      {phase === 'running' ? (
        <>
          <CommandBadge ending={null} exitCode={null} signal={null} outcome="sending" hasStderr={false} />
          {startedAtMs === null ? null : <Elapsed sinceMs={startedAtMs} />}
        </>
      ) : null}
      {phase === 'ended' && outcome !== null ? (
        <>
          <CommandBadge
            ending={run?.ending ?? null}
            exitCode={run?.exitCode ?? null}
            signal={run?.signal ?? null}
            outcome={outcome}
            hasStderr={(run?.stderr.totalBytes ?? 0) > 0}
          />
          {run?.tookMs == null ? null : <span className="text-ink-2">{formatTook(run.tookMs)}</span>}
        </>
      ) : null}
    </span>
  );
}

/** In server time. Hidden from screen readers, which would read every tick. */
function Elapsed({ sinceMs }: { sinceMs: number }) {
  const nowMs = useTick(1_000);
  const elapsedMs = operationProgress().clock.at(nowMs) - sinceMs;
  return (
    <span aria-hidden className="text-ink-2">
      {formatTook(Math.floor(Math.max(0, elapsedMs) / 1_000) * 1_000)}
    </span>
  );
}

function Connection({ isOver, isJoining }: { isOver: boolean; isJoining: boolean }) {
  const live = useLiveState();
  if (isOver || isJoining || live === 'open' || live === 'connecting') return null;
  return (
    <p role="status" className="text-ink-2">
      {live === 'blocked'
        ? 'Live updates are blocked, so new output appears every few seconds.'
        : 'Reconnecting… The command keeps running. New output appears when the connection is back.'}
    </p>
  );
}

function StopButton({ operationId }: { operationId: string }) {
  const [isStopping, setIsStopping] = useState(false);
  async function stop() {
    setIsStopping(true);
    const result = await answerOf(cancelOperation({ operationId }));
    if (result?.ok) return;
    setIsStopping(false);
    toast.error('Could not stop the command', {
      description: result?.error.message ?? 'The server could not be reached.',
    });
  }
  return (
    <Button isBusy={isStopping} title="Kill the command (SIGKILL)" onClick={() => void stop()}>
      {isStopping ? 'Stopping…' : 'Stop'}
    </Button>
  );
}

/** Both outputs as one text, stderr below a heading. */
function textOf({ stdout, stderr }: LiveCommand): string {
  const [out, err] = [outputAsText(stdout), outputAsText(stderr)];
  if (err === '') return out;
  return out === '' ? err : `${out}${out.endsWith('\n') ? '' : '\n'}--- stderr ---\n${err}`;
}

async function copyOutput(now: LiveCommand): Promise<void> {
  try {
    await navigator.clipboard.writeText(textOf(now));
    toast.success('Copied output');
  } catch {
    toast.error('The browser does not allow copying', { description: 'Download the output instead.' });
  }
}

function downloadOutput(now: LiveCommand, operationId: string, sandboxKey: SandboxKey): void {
  const address = URL.createObjectURL(new Blob([textOf(now)], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `output-${idOf(sandboxKey)}-${operationId.replace(/[^A-Za-z0-9_-]/g, '')}.txt`;
  link.click();
  URL.revokeObjectURL(address);
}
