'use client';

import { useId } from 'react';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { useForm } from '@/components/ui/use-form';
import { SandboxUserName, StartFolder } from '@/lib/console/schema';

/** The user and start folder of a shell; `null` for the sandbox's default. */
export type ShellChoice = { user: string | null; cwd: string | null };

type Props = { isOpen: boolean; onClose: () => void; onChoose: (choice: ShellChoice) => void };

/** Text that `schema` accepts, or nothing. */
const optional = (schema: z.ZodString) =>
  z
    .string()
    .trim()
    .transform((text, context) => {
      if (text === '') return null;
      const parsed = schema.safeParse(text);
      if (parsed.success) return parsed.data;
      for (const { message } of parsed.error.issues) context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });

const ShellInput = z.object({ user: optional(SandboxUserName), cwd: optional(StartFolder) });

export function OpenDialog({ isOpen, onClose, onChoose }: Props) {
  const users = useId();
  const { values, change, errors, form, submit } = useForm({
    initial: { user: '', cwd: '' },
    schema: ShellInput,
    keptAs: isOpen ? 'shell to open' : null,
    send: (choice) => {
      onChoose(choice);
      onClose();
      return null;
    },
  });
  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Open shell"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" {...submit}>
            Open shell
          </Button>
        </>
      }
    >
      <form {...form} className="flex flex-col gap-4">
        <Field label="User" hint="Leave empty for the sandbox’s default user." error={errors.user}>
          <Input
            value={values.user}
            list={users}
            spellCheck={false}
            autoComplete="off"
            placeholder="user"
            onChange={({ target }) => change('user', target.value)}
            className="font-mono"
          />
        </Field>
        <datalist id={users}>
          <option value="user" />
          <option value="root" />
        </datalist>
        <Field label="Working directory" hint="Leave empty for the user’s home folder." error={errors.cwd}>
          <Input
            value={values.cwd}
            spellCheck={false}
            autoComplete="off"
            placeholder="~"
            onChange={({ target }) => change('cwd', target.value)}
            className="font-mono"
          />
        </Field>
      </form>
    </Dialog>
  );
}
