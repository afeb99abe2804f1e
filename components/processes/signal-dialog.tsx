'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { sendSignal } from '@/lib/processes/actions';
import type { ProcessInfo, ProcessSignal } from '@/lib/processes/schema';
import { visibleOutput } from '@/lib/sandbox/visible-output';

/** Which process somebody wants to signal, and how. */
export type SignalRequest = { process: ProcessInfo; signal: ProcessSignal };

type Props = {
  sandboxId: string;
  /** `null` while nobody is asking. */
  request: SignalRequest | null;
  onClose: () => void;
  onSent: (request: SignalRequest) => void;
};

const WILL = {
  TERM: 'It is asked to end, and may take its time or refuse.',
  KILL: 'It ends at once and can save nothing. What it has started goes on.',
} satisfies Record<ProcessSignal, string>;

/** Names the process that will be signalled; the server looks again whether it still is that one. */
export function SignalDialog({ sandboxId, request, onClose, onSent }: Props) {
  const [shown, setShown] = useState(request);
  const [message, setMessage] = useState<string | null>(null);
  const [isSending, setIsSending] = useState(false);
  const cancel = useRef<HTMLButtonElement>(null);
  if (request !== null && request !== shown) {
    setShown(request);
    setMessage(null);
    setIsSending(false);
  }
  if (shown === null) return null;
  const { process, signal } = shown;

  async function send(wanted: SignalRequest) {
    setIsSending(true);
    const { pid, mark } = wanted.process;
    const result = await sendSignal({ sandboxId, pid, mark, signal: wanted.signal }).catch(() => null);
    setIsSending(false);
    if (result?.ok) {
      onClose();
      onSent(wanted);
    } else
      setMessage(
        result?.error.message ?? 'The server could not be reached. Whether the signal was sent is not known.',
      );
  }

  return (
    <ConfirmDialog
      open={request !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={cancel}
      title={`Send SIG${signal} to process ${process.pid}`}
      description={WILL[signal]}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            Cancel
          </Button>
          <Button tone="primary" isBusy={isSending} onClick={() => void send(shown)}>
            {isSending ? 'Sending…' : `Send SIG${signal}`}
          </Button>
        </>
      }
    >
      <pre className="max-h-40 overflow-auto whitespace-pre-wrap break-all rounded-md border border-line bg-surface px-3 py-2 font-mono text-small">
        {visibleOutput(process.command)}
      </pre>
      {message === null ? null : <Alert>{message}</Alert>}
    </ConfirmDialog>
  );
}
