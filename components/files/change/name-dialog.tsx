'use client';

import { useRef } from 'react';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { Dialog } from '@/components/ui/dialog';
import { Field, Input } from '@/components/ui/field';
import { Alert } from '@/components/ui/strip';
import { useForm } from '@/components/ui/use-form';
import { useLastAsked } from '@/components/ui/use-last-asked';
import { FilePath, Visible } from '@/components/ui/visible-text';
import { answerOf } from '@/lib/answer';
import { makeFolder, renameEntry } from '@/lib/files/change/actions';
import { EntryName } from '@/lib/files/change/names';
import { parentOf } from '@/lib/files/guest-path';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { kindName } from '../browse/entry-words';

/** A new folder in `folder`, or a new name for `entry`. */
export type NameRequest = { kind: 'folder'; folder: string } | { kind: 'rename'; entry: Entry };

type Props = {
  sandboxKey: SandboxKey;
  /** `null` closes it. */
  request: NameRequest | null;
  /** Why nothing can be changed now, or `null`. */
  forbidden: string | null;
  onDone: (entry: Entry, request: NameRequest) => void;
  onClose: () => void;
};

export function NameDialog({ request, ...props }: Props) {
  const shown = useLastAsked(request);
  if (shown === null) return null;
  const key = shown.kind === 'folder' ? `in ${shown.folder}` : shown.entry.path;
  return <NameForm key={key} {...props} request={shown} isOpen={request !== null} />;
}

type FormProps = Omit<Props, 'request'> & { request: NameRequest; isOpen: boolean };

const NameInput = z.object({ name: EntryName });

function NameForm({ sandboxKey, request, forbidden, isOpen, onDone, onClose }: FormProps) {
  const input = useRef<HTMLInputElement>(null);
  const before = request.kind === 'rename' ? request.entry.name : '';
  const { values, change, errors, refusal, forget, isSending, form, submit } = useForm({
    initial: { name: before },
    schema: NameInput,
    keptAs: isOpen
      ? request.kind === 'folder'
        ? `folder in ${request.folder}`
        : `name of ${request.entry.path}`
      : null,
    unavailable: forbidden,
    send: async ({ name }) => {
      if (name === before) return close();
      const result =
        request.kind === 'folder'
          ? await answerOf(makeFolder({ sandboxKey, folder: request.folder, name }))
          : await answerOf(renameEntry({ sandboxKey, path: request.entry.path, name }));
      if (!result?.ok) return result?.error.message ?? UNREACHABLE;
      onDone(result.value, request);
      return close();
    },
  });

  function close(): null {
    forget();
    change('name', before);
    onClose();
    return null;
  }

  const folder = request.kind === 'folder' ? request.folder : parentOf(request.entry.path);
  const [label, doing] = request.kind === 'folder' ? ['Create folder', 'Creating…'] : ['Rename', 'Renaming…'];
  return (
    <Dialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) close();
      }}
      initialFocus={input}
      title={
        request.kind === 'folder' ? (
          'New folder'
        ) : (
          <>
            Rename the {kindName(request.entry)} <Visible text={before} />
          </>
        )
      }
      description={
        <span className="flex min-w-0 items-baseline gap-1.5">
          in <FilePath path={folder} className="font-mono text-small" />
        </span>
      }
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button tone="primary" {...submit}>
            {isSending ? doing : label}
          </Button>
        </>
      }
    >
      <form {...form} className="flex flex-col gap-4">
        <Field label="Name" error={values.name === '' || values.name === before ? null : errors.name}>
          <Input
            ref={input}
            value={values.name}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            translate="no"
            onFocus={({ currentTarget }) =>
              currentTarget.setSelectionRange(0, stemLength(currentTarget.value))
            }
            onChange={(event) => change('name', event.target.value)}
            className="font-mono"
          />
        </Field>
        {refusal === null ? null : <Alert>{refusal}</Alert>}
      </form>
    </Dialog>
  );
}

const UNREACHABLE = 'The server could not be reached. Look at the folder before you try again.';

/** The length of a name without its extension, which rarely changes. */
function stemLength(name: string): number {
  const at = name.lastIndexOf('.');
  return at > 0 ? at : name.length;
}
