'use client';

import { useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { sendSignal, sendSignalInside } from '@/lib/processes/actions';
import type { ProcessSignal } from '@/lib/processes/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

/** A process that was started through the API is identified by its mark, any other by the time of its start. */
type SignalTarget = { pid: number; mark: string } | { pid: number; startTicks: number };

export type SignalRequest = { target: SignalTarget; command: string; signal: ProcessSignal };

type Props = {
  sandboxKey: SandboxKey;
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
export function SignalDialog({ sandboxKey, request, onClose, onSent }: Props) {
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
  const { target, command, signal } = shown;

  async function send(confirmed: SignalRequest) {
    setIsSending(true);
    const result = await sendTo(sandboxKey, confirmed);
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
      title={`Send SIG${signal} to process ${target.pid}`}
      description={EFFECTS[signal]}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            Cancel
          </Button>
          <Button
            tone={signal === 'KILL' ? 'danger' : 'primary'}
            isBusy={isSending}
            onClick={() => void send(shown)}
          >
            {isSending ? 'Sending…' : `Send SIG${signal}`}
          </Button>
        </>
      }
    >
      <pre
        translate="no"
        className="max-h-40 overflow-auto whitespace-pre-wrap break-all rounded-md border border-line bg-surface px-3 py-2 font-mono text-small"
      >
        <Visible text={command} shape="block" />
      </pre>
      {message === null ? null : <Alert>{message}</Alert>}
    </ConfirmDialog>
  );
}

function sendTo(sandboxKey: SandboxKey, { target, signal }: SignalRequest) {
  return 'mark' in target
    ? answerOf(sendSignal({ sandboxKey, ...target, signal }))
    : answerOf(sendSignalInside({ sandboxKey, ...target, signal }));
}
