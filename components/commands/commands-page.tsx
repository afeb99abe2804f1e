'use client';

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Queries } from '@/components/data/queries';
import { useLacking } from '@/components/data/use-fleet';
import { useOperations } from '@/components/data/use-operations';
import { useUrlState } from '@/components/data/use-url-state';
import { CommandInput, limitOptions } from '@/components/operations/command-input';
import { useActs } from '@/components/operations/use-acts';
import { whyNot } from '@/components/sandbox/sandbox-acts';
import { SandboxFrame, type SandboxPageProps } from '@/components/sandbox-page/sandbox-frame';
import { SandboxHeadingSkeleton } from '@/components/sandbox-page/sandbox-heading';
import { useSandbox } from '@/components/sandbox-page/use-sandbox';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Select } from '@/components/ui/select';
import { Alert } from '@/components/ui/strip';
import { useKept } from '@/components/ui/use-kept';
import { answerOf } from '@/lib/answer';
import { commandHistoryQuery } from '@/lib/commands/queries';
import {
  type CommandEntry,
  type CommandHistory as History,
  MAX_CWD_CHARS,
  USUAL_LIMIT_MS,
} from '@/lib/commands/schema';
import { runCommand } from '@/lib/operations/actions';
import { operationProgress } from '@/lib/operations/record/progress';
import { isFinal } from '@/lib/operations/schema';
import { roleSuffices } from '@/lib/roles';
import { connectionOf, type SandboxKey } from '@/lib/sandbox-key';
import { CommandHistory } from './command-history';
import { CommandPanel } from './command-panel';

/** The commands of one sandbox: an input, the selected command's output, and the history. */
export function CommandsPage({ initial, ...served }: SandboxPageProps) {
  const now = useSandbox(initial);
  const { sandbox, act, isGone } = now;
  const { role } = served;
  const lacking = useLacking(connectionOf(sandbox.key));
  const reason = whyNot(sandbox, 'run', { role, lacking, underWay: act, isGone });
  const { handlers, dialogs } = useActs();
  return (
    <SandboxFrame now={now} tab="run" isFullHeight {...served}>
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
        {roleSuffices(role, 'operator') ? (
          <Queries>
            <Room
              sandboxKey={sandbox.key}
              reason={reason}
              onResume={sandbox.state === 'paused' && !isGone ? () => handlers.onResume([sandbox]) : null}
            />
          </Queries>
        ) : (
          <CommandForm reason={reason} onResume={null} typed={[]} start={NOTHING_TYPED} isSending={false} />
        )}
      </div>
      {dialogs}
    </SandboxFrame>
  );
}

const NO_HISTORY: History = { entries: [], typed: [] };

type RoomProps = {
  sandboxKey: SandboxKey;
  reason: string | null;
  onResume: (() => void) | null;
};

function Room({ sandboxKey, reason, onResume }: RoomProps) {
  const [shown, setShown] = useUrlState('run', { history: 'push' });
  const [start, setStart] = useState(NOTHING_TYPED);
  const [failure, setFailure] = useState<string | null>(null);
  const [isSending, setIsSending] = useState(false);
  const query = useHistoryOf(sandboxKey);
  const { entries, typed } = query.data ?? NO_HISTORY;
  const running = entries.find(({ outcome }) => outcome === 'sending');

  async function run({ command, cwd, limitMs }: Draft) {
    if (isSending) return;
    setIsSending(true);
    setFailure(null);
    const result = await answerOf(
      runCommand({
        sandboxKey,
        command,
        limitMs,
        ...(cwd === '' ? {} : { cwd }),
      }),
    );
    setIsSending(false);
    if (result?.ok) {
      // This page shows its outcome, so the tray need not.
      operationProgress().whenFinished(result.value.operation.id, () => {});
      // The output shows the command. The arrow keys bring it back.
      setStart((before) => ({ command: '', cwd, limitMs, round: before.round + 1 }));
      setShown(result.value.operation.id);
      void query.refetch();
    } else
      setFailure(
        result?.error.message ??
          'The server could not be reached. Check the history below before you run it again: it may have started.',
      );
  }
  const draftOf = ({ command, cwd, limitMs }: CommandEntry): Draft => ({ command, cwd: cwd ?? '', limitMs });

  return (
    <>
      <CommandForm
        key={start.round}
        start={start}
        reason={reason}
        onResume={onResume}
        typed={typed}
        isSending={isSending}
        onRun={(draft) => void run(draft)}
        failure={failure}
      />
      {shown === null && running ? (
        <p
          role="status"
          className="flex flex-wrap items-center gap-3 border-line border-b px-5 py-2 text-ink-2"
        >
          A command is running in this sandbox.
          <Button onClick={() => setShown(running.operationId)}>Show its output</Button>
        </p>
      ) : null}
      {shown === null ? null : (
        <PanelBoundary what="output">
          <CommandPanel
            key={shown}
            operationId={shown}
            sandboxKey={sandboxKey}
            entry={entries.find(({ operationId }) => operationId === shown)}
            reason={reason}
            onAgain={(entry) => void run(draftOf(entry))}
            onClose={() => setShown(null)}
          />
        </PanelBoundary>
      )}
      {query.isError ? (
        <p role="status" className="flex items-center gap-3 px-5 py-2 text-ink-2">
          Could not load the command history. <Button onClick={() => void query.refetch()}>Try again</Button>
        </p>
      ) : null}
      {query.isPending ? (
        <div aria-busy="true" className="m-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
      ) : (
        <PanelBoundary what="history">
          <CommandHistory
            sandboxKey={sandboxKey}
            entries={entries}
            shown={shown}
            onReuse={(entry) => setStart((before) => ({ ...draftOf(entry), round: before.round + 1 }))}
          />
        </PanelBoundary>
      )}
    </>
  );
}

const POLL_MS = 2_000;

/** Polls the history while a command runs. The operations channel tells every tab when one starts. */
function useHistoryOf(sandboxKey: SandboxKey) {
  const isRunning = useOperations().some(
    ({ operation }) => operation.act === 'run' && operation.state === 'running',
  );
  return useQuery({
    ...commandHistoryQuery(sandboxKey),
    refetchInterval: ({ state: { data } }) =>
      isRunning || data?.entries.some(({ outcome }) => !isFinal(outcome)) ? POLL_MS : false,
  });
}

type Draft = { command: string; cwd: string; limitMs: number };
type Start = Draft & { round: number };
const NOTHING_TYPED: Start = { command: '', cwd: '', limitMs: USUAL_LIMIT_MS, round: 0 };

type FormProps = {
  start: Start;
  /** Why no command can be run, or `null`. */
  reason: string | null;
  onResume: (() => void) | null;
  typed: readonly string[];
  isSending: boolean;
  onRun?: (draft: Draft) => void;
  failure?: string | null;
};

function CommandForm({ start, reason, onResume, typed, isSending, onRun, failure = null }: FormProps) {
  const [draft, setDraft] = useKept<Draft>('command', start);
  const { command, cwd, limitMs } = draft;
  const isEmpty = command.trim() === '';
  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (reason === null && !isEmpty && !isSending) onRun?.({ ...draft, cwd: cwd.trim() });
  }
  return (
    <form
      aria-label="Run a command"
      onSubmit={submit}
      className="flex flex-col gap-2 border-line border-b px-5 py-3"
    >
      <div className="flex flex-wrap items-start gap-2">
        <div className="min-w-0 flex-1 basis-96">
          <CommandInput
            startsFocused={start.round > 0}
            value={command}
            onChange={(value) => setDraft({ ...draft, command: value })}
            onSubmit={submit}
            typed={typed}
            describedBy="run-note"
            disabled={reason !== null}
          />
        </div>
        <Button
          type="submit"
          tone="primary"
          size="lg"
          unavailable={reason ?? (isEmpty ? 'Enter a command.' : null)}
          isBusy={isSending}
          className="min-w-16"
        >
          {isSending ? 'Starting…' : 'Run'}
        </Button>
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Field
          label="Working directory"
          className="flex-row! items-center gap-2! text-ink-2 [&>label]:font-normal!"
        >
          <Input
            value={cwd}
            placeholder="Default"
            maxLength={MAX_CWD_CHARS}
            disabled={reason !== null}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setDraft({ ...draft, cwd: event.target.value })}
            className="w-56 font-mono text-small disabled:opacity-60"
          />
        </Field>
        <Select
          label="Time limit"
          isPlain
          value={String(limitMs)}
          options={limitOptions(limitMs)}
          onChange={(value) => setDraft({ ...draft, limitMs: Number(value) })}
        />
        <p id="run-note" className="min-w-0 flex-1 basis-72 text-ink-3 text-small">
          {reason ?? (
            <>
              <span className="pointer-coarse:hidden">
                Enter to run, Shift+Enter for a new line, ↑ for earlier commands.{' '}
              </span>
              The command and its output are recorded.
            </>
          )}
        </p>
        {onResume ? <Button onClick={onResume}>Resume…</Button> : null}
      </div>
      {failure === null ? null : <Alert>{failure}</Alert>}
    </form>
  );
}

export function CommandsPageSkeleton({ sandboxKey }: { sandboxKey: SandboxKey }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col" aria-busy="true">
      <SandboxHeadingSkeleton sandboxKey={sandboxKey} tab="run" />
      <div className="h-[104px] shrink-0 border-line border-b" />
    </main>
  );
}
