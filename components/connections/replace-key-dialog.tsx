'use client';

import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { answerOf } from '@/lib/answer';
import { ConnectionKey } from '@/lib/connection';
import { replaceConnectionKey } from '@/lib/settings/actions';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ChangedMeanwhile, LOAD_FIRST, useSeen } from './changed-meanwhile';
import { keyText } from './connection-badge';

type Props = { open: boolean; facts: ConnectionFacts; onClose: () => void; onReplaced: () => void };

const NewKey = z.object({ key: ConnectionKey });

/** Replaces the key of a connection once the new one is found to work. */
export function ReplaceKeyDialog({ open, facts, onClose, onReplaced }: Props) {
  const { seen, newer, setNewer, load } = useSeen(facts);
  const { name, title } = seen;
  const { values, change, errors, refusal, forget, isSending, form, submit } = useForm({
    initial: { key: '' },
    schema: NewKey,
    unavailable: newer === null ? null : LOAD_FIRST,
    send: async ({ key }) => {
      const answer = await answerOf(replaceConnectionKey({ name, version: seen.version, key }));
      if (!answer?.ok)
        return (
          answer?.error.message ??
          'The server could not be reached. Reload the page to see which key is used.'
        );
      if (!answer.value.isMade) {
        setNewer(answer.value.newer);
        return null;
      }
      toast.success(`Replaced the key of ${title}`);
      onReplaced();
      close();
      return null;
    },
  });

  function close() {
    forget();
    change('key', '');
    onClose();
  }

  return (
    <ConfirmDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={`Replace the key of ${title}`}
      description={`The new key is tested first. Requests under way go on with ${seen.hasKey ? keyText(seen) : 'the old one'}, so nothing is interrupted. Revoke the old key at the service afterwards.`}
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button tone="primary" {...submit}>
            {isSending ? 'Testing…' : 'Test and replace key'}
          </Button>
        </>
      }
    >
      <form {...form} autoComplete="off" className="flex flex-col gap-4">
        <Field
          label="New API key"
          error={values.key === '' ? null : errors.key}
          hint="Stored encrypted. It is never shown again."
        >
          <Input
            type="password"
            autoComplete="off"
            required
            value={values.key}
            onChange={(event) => change('key', event.target.value)}
          />
        </Field>
        {refusal === null ? null : <Alert>{refusal} The key was not replaced.</Alert>}
        {newer === null ? null : <ChangedMeanwhile newer={newer} onLoad={load} />}
      </form>
    </ConfirmDialog>
  );
}
