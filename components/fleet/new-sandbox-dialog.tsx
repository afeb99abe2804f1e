'use client';

import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { toast } from 'sonner';
import { Queries } from '@/components/data/queries';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input, TextArea } from '@/components/ui/field';
import { Alert } from '@/components/ui/strip';
import { createOne } from '@/lib/creation/actions';
import { templatesQuery } from '@/lib/creation/queries';
import { MAX_TIMEOUT_MS } from '@/lib/sandbox/limits';
import { parseMetadataLines } from '@/lib/sandbox/metadata-lines';

const MIN_MS = 60_000;
const MAX_MIN = MAX_TIMEOUT_MS / MIN_MS;

type Props = { open: boolean; onClose: () => void; onCreated: (id: string) => void };

/** Creates a sandbox: template, metadata, time, and what happens when the time is over. */
export function NewSandboxDialog(props: Props) {
  return (
    <Queries>
      <NewSandboxForm {...props} />
    </Queries>
  );
}

function NewSandboxForm({ open, onClose, onCreated }: Props) {
  const form = useId();
  const templates = useQuery({ ...templatesQuery(), enabled: open });
  const [template, setTemplate] = useState('base');
  const [metadataText, setMetadataText] = useState('');
  const [minutes, setMinutes] = useState('15');
  const [autoPause, setAutoPause] = useState(false);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const metadata = parseMetadataLines(metadataText);
  const amount = Number(minutes);
  const minutesError =
    Number.isInteger(amount) && amount >= 1 && amount <= MAX_MIN
      ? null
      : `A whole number of minutes from 1 to ${MAX_MIN}.`;

  function close() {
    setFailure(null);
    onClose();
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!metadata.ok || minutesError !== null || pending) return;
    setPending(true);
    setFailure(null);
    const result = await createOne({
      template,
      metadata: metadata.value,
      timeoutMs: amount * MIN_MS,
      autoPause,
    }).catch(() => null);
    setPending(false);
    if (!result?.ok) {
      setFailure(
        result?.error.message ??
          'The server could not be reached. Look whether it was created before trying again.',
      );
      return;
    }
    toast.success(`Created ${result.value.id}`);
    onCreated(result.value.id);
    close();
  }

  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title="New sandbox"
      description="Metadata is set once: it cannot be changed later."
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            unavailable={metadata.ok ? minutesError : metadata.message}
            isBusy={pending}
          >
            {pending ? 'Creating…' : 'Create sandbox'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <Field
          label="Template"
          hint={templates.isError ? 'The list of templates could not be read; type a name.' : undefined}
        >
          <Input
            list={`${form}-templates`}
            required
            value={template}
            onChange={(event) => setTemplate(event.target.value)}
          />
        </Field>
        <datalist id={`${form}-templates`}>
          {templates.data?.map(({ id, name }) => (
            <option key={id} value={name} />
          ))}
        </datalist>
        <Field
          label="Metadata"
          error={metadata.ok ? null : metadata.message}
          hint="One key=value a line, for example environment=development"
        >
          <TextArea
            rows={4}
            spellCheck={false}
            value={metadataText}
            onChange={(event) => setMetadataText(event.target.value)}
            className="font-mono text-small"
          />
        </Field>
        <Field label="Time until it ends, in minutes" error={minutesError} className="w-56">
          <Input inputMode="numeric" value={minutes} onChange={(event) => setMinutes(event.target.value)} />
        </Field>
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1 accent-accent"
            checked={autoPause}
            onChange={(event) => setAutoPause(event.target.checked)}
          />
          <span>
            Pause instead of kill when the time is over
            <span className="block text-ink-3 text-small">
              Paused, it keeps its files and can be resumed.
            </span>
          </span>
        </label>
        {failure ? <Alert>{failure}</Alert> : null}
      </form>
    </Dialog>
  );
}
