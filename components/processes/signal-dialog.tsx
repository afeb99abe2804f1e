'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { sendSignal } from '@/lib/processes/actions';
import type { ProcessInfo, ProcessSignal } from '@/lib/processes/schema';

export type SignalRequest = { process: ProcessInfo; signal: ProcessSignal };

type Props = {
  sandboxId: string;
  /** `null` while the dialog is closed. */
  request: SignalRequest | null;
  onClose: () => void;
  onSent: (request: SignalRequest) => void;
};

const EFFECTS = {
  TERM: 'Asks the process to exit. It may take a while, or ignore the signal.',
  KILL: 'Ends the process at once, without saving. Its child processes keep running.',
} satisfies Record<ProcessSignal, string>;

/** Confirms a signal. The server checks that the process is still the same before sending it. */
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

  async function send(confirmed: SignalRequest) {
    setIsSending(true);
    const { pid, mark } = confirmed.process;
    const result = await answerOf(sendSignal({ sandboxId, pid, mark, signal: confirmed.signal }));
    setIsSending(false);
    if (result?.ok) {
      onClose();
      onSent(confirmed);
    } else
      setMessage(
        result?.error.message ??
          'The server could not be reached, and the signal may have been sent. Check the list before you try again.',
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
      description={EFFECTS[signal]}
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
        <Visible text={process.command} shape="block" />
      </pre>
      {message === null ? null : <Alert>{message}</Alert>}
    </ConfirmDialog>
  );
}
