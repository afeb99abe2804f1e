'use client';

import { useId, useRef } from 'react';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { ConfirmDialog, Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { useForm } from '@/components/ui/use-form';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { Visible } from '@/components/ui/visible-text';
import { type ConsoleInfo, ConsoleName } from '@/lib/console/schema';

type RenameProps = {
  console: ConsoleInfo | null;
  onClose: () => void;
  onRename: (id: string, name: string) => void;
};

export function RenameDialog({ console: target, onClose, onRename }: RenameProps) {
  return (
    <Dialog
      open={target !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Rename console"
      footer={null}
    >
      {target === null ? null : <RenameForm target={target} onClose={onClose} onRename={onRename} />}
    </Dialog>
  );
}

const RenameInput = z.object({ name: ConsoleName });

function RenameForm({ target, onClose, onRename }: Omit<RenameProps, 'console'> & { target: ConsoleInfo }) {
  const { values, change, errors, form, submit } = useForm({
    initial: { name: target.name ?? '' },
    schema: RenameInput,
    keptAs: `name of ${target.id}`,
    send: ({ name }) => {
      onRename(target.id, name);
      onClose();
      return null;
    },
  });
  return (
    <form {...form} className="flex flex-col gap-4">
      <Field label="Name" hint={`Leave empty to use “${target.shell}”.`} error={errors.name}>
        <Input value={values.name} onChange={(event) => change('name', event.target.value)} />
      </Field>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button tone="primary" {...submit}>
          Rename
        </Button>
      </div>
    </form>
  );
}

/** A console to close while the program `running` runs in it. */
export type BusyConsole = { id: string; running: string };

type BusyProps = { busy: BusyConsole | null; onClose: () => void; onEnd: (id: string) => void };

/** Asks for confirmation before closing a console in which a program runs. */
export function BusyDialog({ busy, onClose, onEnd }: BusyProps) {
  const shown = useLastAsked(busy);
  const cancel = useRef<HTMLButtonElement>(null);
  const name = useId();
  if (shown === null) return null;
  return (
    <ConfirmDialog
      open={busy !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={cancel}
      title={
        <span id={name}>
          <Visible text={shown.running} className="font-mono" /> is running in this console
        </span>
      }
      description="Closing the console ends the program."
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            Cancel
          </Button>
          <Button
            tone="danger-plain"
            onClick={() => {
              onClose();
              onEnd(shown.id);
            }}
          >
            Close console
          </Button>
        </>
      }
    />
  );
}
