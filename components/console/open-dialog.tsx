'use client';

import { type FormEvent, useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { SandboxUserName, StartFolder } from '@/lib/console/schema';

/** The user and start folder of a shell; `null` for the sandbox's default. */
export type ShellChoice = { user: string | null; cwd: string | null };

type Props = { isOpen: boolean; onClose: () => void; onChoose: (choice: ShellChoice) => void };

export function OpenDialog({ isOpen, onClose, onChoose }: Props) {
  const [user, setUser] = useState('');
  const [cwd, setCwd] = useState('');
  const form = useId();
  const users = useId();
  const wrongUser = problemOf(SandboxUserName, user);
  const wrongFolder = problemOf(StartFolder, cwd);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (wrongUser !== null || wrongFolder !== null) return;
    onChoose({ user: user.trim() || null, cwd: cwd.trim() || null });
    onClose();
  }

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
          <Button tone="primary" type="submit" form={form} unavailable={wrongUser ?? wrongFolder}>
            Open shell
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <Field label="User" hint="Leave empty for the sandbox’s default user." error={wrongUser}>
          <Input
            value={user}
            list={users}
            spellCheck={false}
            autoComplete="off"
            placeholder="user"
            onChange={({ target }) => setUser(target.value)}
            className="font-mono"
          />
        </Field>
        <datalist id={users}>
          <option value="user" />
          <option value="root" />
        </datalist>
        <Field label="Working directory" hint="Leave empty for the user’s home folder." error={wrongFolder}>
          <Input
            value={cwd}
            spellCheck={false}
            autoComplete="off"
            placeholder="~"
            onChange={({ target }) => setCwd(target.value)}
            className="font-mono"
          />
        </Field>
      </form>
    </Dialog>
  );
}

function problemOf(schema: typeof SandboxUserName, text: string): string | null {
  if (text.trim() === '') return null;
  const parsed = schema.safeParse(text.trim());
  return parsed.success ? null : (parsed.error.issues[0]?.message ?? 'This value is invalid.');
}
