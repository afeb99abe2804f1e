'use client';

import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { z } from 'zod';
import { Queries } from '@/components/data/queries';
import { useLacking } from '@/components/data/use-fleet';
import { TypedMinutes, USUAL_MINUTES } from '@/components/operations/minutes-field';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input, TextArea } from '@/components/ui/field';
import { Select } from '@/components/ui/select';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { answerOf } from '@/lib/answer';
import type { ShownConnection } from '@/lib/connection';
import { createOne } from '@/lib/creation/actions';
import { templatesQuery } from '@/lib/creation/queries';
import { parseMetadataLines } from '@/lib/sandbox/metadata-lines';
import { idOf, type SandboxKey } from '@/lib/sandbox-key';

type Props = {
  open: boolean;
  connections: readonly ShownConnection[];
  onClose: () => void;
  onCreated: (key: SandboxKey) => void;
};

export function NewSandboxDialog(props: Props) {
  return (
    <Queries>
      <NewSandboxForm {...props} />
    </Queries>
  );
}

const NewSandboxInput = z.object({
  connection: z.string().min(1, 'Choose a connection.'),
  template: z.string().trim().min(1, 'Enter a template.'),
  metadata: z.string().transform((text, context) => {
    const parsed = parseMetadataLines(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.message });
    return z.NEVER;
  }),
  minutes: TypedMinutes,
  autoPause: z.boolean(),
});

const INITIAL = { template: 'base', metadata: '', minutes: USUAL_MINUTES, autoPause: false };

function NewSandboxForm({ open, connections, onClose, onCreated }: Props) {
  const initialConnection = connections[0]?.name ?? '';
  const templateList = useId();
  const { values, change, errors, refusal, forget, isSending, form, submit } = useForm({
    initial: { ...INITIAL, connection: initialConnection },
    schema: NewSandboxInput,
    keptAs: open ? 'new sandbox' : null,
    send: async ({ minutes: timeoutMs, metadata, ...input }) => {
      const pairs = Object.entries(metadata);
      const result = await answerOf(createOne({ ...input, metadata: pairs, timeoutMs }));
      if (!result?.ok)
        return (
          result?.error.message ??
          'The server could not be reached. Check whether the sandbox was created before you try again.'
        );
      toast.success(`Created ${idOf(result.value.key)}`);
      onCreated(result.value.key);
      onClose();
      return null;
    },
  });

  const lacking = useLacking(values.connection);
  const templates = useQuery({ ...templatesQuery(values.connection), enabled: open });

  function close() {
    forget();
    onClose();
  }

  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title="New sandbox"
      description="Metadata cannot be changed later."
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button tone="primary" {...submit}>
            {isSending ? 'Creating…' : 'Create sandbox'}
          </Button>
        </>
      }
    >
      <form {...form} className="flex flex-col gap-4">
        {connections.length < 2 ? null : (
          <Field label="Connection" error={errors.connection}>
            <Select
              isPlain
              label="Connection"
              value={values.connection}
              options={connections.map(({ name, title }) => ({ value: name, label: title }))}
              onChange={(name) => change('connection', name)}
            />
          </Field>
        )}
        <Field
          label="Template"
          error={errors.template}
          hint={
            templates.isError
              ? `${lacking.templates ?? 'The templates could not be loaded.'} Enter a name.`
              : undefined
          }
        >
          <Input
            list={templateList}
            required
            value={values.template}
            onChange={(event) => change('template', event.target.value)}
          />
        </Field>
        <datalist id={templateList}>
          {templates.data?.map(({ id, name }) => (
            <option key={id} value={name} />
          ))}
        </datalist>
        <Field
          label="Metadata"
          error={errors.metadata}
          hint="One key=value per line, for example environment=development"
        >
          <TextArea
            rows={4}
            spellCheck={false}
            value={values.metadata}
            onChange={(event) => change('metadata', event.target.value)}
            className="font-mono text-small"
          />
        </Field>
        <Field label="Timeout (minutes)" error={errors.minutes} className="w-56">
          <Input
            inputMode="numeric"
            value={values.minutes}
            onChange={(event) => change('minutes', event.target.value)}
          />
        </Field>
        <label className="flex items-start gap-2">
          <Checkbox
            className="mt-1"
            checked={values.autoPause}
            disabled={lacking.pause !== undefined && !values.autoPause}
            onChange={(event) => change('autoPause', event.target.checked)}
          />
          <span>
            Pause instead of kill at the timeout
            <span className="block text-ink-3 text-small">
              {lacking.pause ?? 'A paused sandbox keeps its files and can be resumed.'}
            </span>
          </span>
        </label>
        {refusal === null ? null : <Alert>{refusal}</Alert>}
      </form>
    </Dialog>
  );
}
