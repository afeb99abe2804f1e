'use client';

import { useId, useRef } from 'react';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { ConfirmDialog, Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { useForm } from '@/components/ui/use-form';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { type ConsoleInfo, ConsoleName } from '@/lib/console/schema';

type RenameProps = {
  console: ConsoleInfo | null;
  onClose: () => void;
  onRename: (id: string, name: string) => void;
};

/** Asks what to call a console. */
export function RenameDialog({ console: asked, onClose, onRename }: RenameProps) {
  return (
    <Dialog
      open={asked !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Rename this console"
      footer={null}
    >
      {asked === null ? null : <RenameForm asked={asked} onClose={onClose} onRename={onRename} />}
    </Dialog>
  );
}

const RenameInput = z.object({ name: ConsoleName });

function RenameForm({ asked, onClose, onRename }: Omit<RenameProps, 'console'> & { asked: ConsoleInfo }) {
  const { values, change, errors, form, submit } = useForm({
    initial: { name: asked.name ?? '' },
    schema: RenameInput,
    send: ({ name }) => {
      onRename(asked.id, name);
      onClose();
      return null;
    },
  });
  return (
    <form {...form} className="flex flex-col gap-4">
      <Field label="Name" hint={`Without one it is called ${asked.shell}.`} error={errors.name}>
        <Input value={values.name} onChange={({ target }) => change('name', target.value)} />
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

/** A console that somebody wants to close while `running` runs in it. */
export type BusyConsole = { id: string; running: string };

type BusyProps = { busy: BusyConsole | null; onClose: () => void; onEnd: (id: string) => void };

/** Asks before a program is ended together with its console. */
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
          <bdi className="font-mono">{shown.running}</bdi> is running in this console
        </span>
      }
      description="Closing the console ends it."
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
            Close and end it
          </Button>
        </>
      }
    />
  );
}
