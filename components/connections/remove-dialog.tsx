'use client';

import { useRouter } from 'next/navigation';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { answerOf } from '@/lib/answer';
import { paths } from '@/lib/paths';
import { removeOneConnection } from '@/lib/settings/actions';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ChangedMeanwhile, LOAD_FIRST, useSeen } from './changed-meanwhile';

type Props = { open: boolean; facts: ConnectionFacts; onClose: () => void };

/** Removes a connection after its name was typed. */
export function RemoveDialog({ open, facts, onClose }: Props) {
  const router = useRouter();
  const { seen, newer, setNewer, load } = useSeen(facts);
  const { name, title } = seen;
  const { values, change, refusal, forget, isSending, form, submit } = useForm({
    initial: { typed: '' },
    schema: z
      .object({ typed: z.string().trim() })
      .refine(({ typed }) => typed === name, `Type ${name} first.`),
    unavailable: newer === null ? null : LOAD_FIRST,
    send: async ({ typed }) => {
      const answer = await answerOf(removeOneConnection({ name, version: seen.version, typed }));
      if (!answer?.ok)
        return (
          answer?.error.message ??
          'The server could not be reached. Reload the page to see whether it was removed.'
        );
      if (!answer.value.isMade) {
        setNewer(answer.value.newer);
        return null;
      }
      toast.success(`Removed ${title}`);
      onClose();
      router.push(paths.connections());
      return null;
    },
  });

  function close() {
    forget();
    onClose();
  }

  return (
    <ConfirmDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={`Remove ${title}?`}
      description="Its sandboxes stay at the service and leave the list here. Its stored key is deleted. Operations and the access log keep what was recorded, so the name cannot be used again."
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button tone="primary" {...submit}>
            {isSending ? 'Removing…' : 'Remove connection'}
          </Button>
        </>
      }
    >
      <form {...form} autoComplete="off" className="flex flex-col gap-4">
        <Field label={`Type ${name} to confirm`}>
          <Input
            spellCheck={false}
            autoCapitalize="none"
            value={values.typed}
            onChange={(event) => change('typed', event.target.value)}
          />
        </Field>
        {refusal === null ? null : <Alert>{refusal}</Alert>}
        {newer === null ? null : <ChangedMeanwhile newer={newer} onLoad={load} />}
      </form>
    </ConfirmDialog>
  );
}
