'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { Alert } from '@/components/ui/strip';
import { toast } from '@/components/ui/toast';
import { useForm } from '@/components/ui/use-form';
import { answerOf } from '@/lib/answer';
import { type ConnectionFields, SERVICE_KINDS } from '@/lib/connection';
import { addOneConnection, editOneConnection, tryConnection } from '@/lib/settings/actions';
import {
  ChangedConnection,
  type ConnectionDraft,
  draftOf,
  NewConnection,
} from '@/lib/settings/connection-draft';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ConnectionFieldset } from './connection-fieldset';
import { TestReport, type TestResult } from './test-result';

type Props = {
  open: boolean;
  /** The connection to edit. `null`: a new one. */
  connection: ConnectionFacts | null;
  onClose: () => void;
  onSaved: () => void;
};

const NO_ANSWER = 'The server could not be reached. Check your connection and try again.';

/** The form of a connection. What decides whether it works is tested before it is saved. */
export function ConnectionDialog({ open, connection, onClose, onSaved }: Props) {
  const edited = connection === null ? null : fieldsOf(connection);
  const [tested, setTested] = useState<{ of: string; result: TestResult } | null>(null);
  const [isTesting, setIsTesting] = useState(false);
  const { values, change, errors, refusal, forget, isSending, output, form, submit } = useForm({
    initial: draftOf(edited),
    schema: edited === null ? NewConnection : ChangedConnection,
    send: async (draft): Promise<string | null> => {
      if (needsTest(draft, edited) && result === null) {
        await test();
        return null;
      }
      const answer =
        edited === null
          ? await answerOf(addOneConnection(values))
          : await answerOf(editOneConnection(values));
      if (!answer?.ok) return answer?.error.message ?? NO_ANSWER;
      toast.success(edited === null ? `Added ${draft.fields.title}` : `Saved ${draft.fields.title}`);
      onSaved();
      close();
      return null;
    },
  });
  const entered = JSON.stringify(values);
  const result = tested?.of === entered ? tested.result : null;

  async function test() {
    setIsTesting(true);
    const answer = await answerOf(tryConnection(values));
    setIsTesting(false);
    setTested({
      of: entered,
      result: answer?.ok
        ? { ok: true, found: answer.value }
        : { ok: false, message: answer?.error.message ?? NO_ANSWER },
    });
  }

  function close() {
    forget();
    change('key', '');
    onClose();
  }

  const isUntested = output !== null && needsTest(output, edited) && result === null;
  const verb = edited === null ? 'Add' : 'Save';
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      size="lg"
      title={connection === null ? 'Add connection' : `Edit ${connection.title}`}
      description={
        connection === null ? 'An account or project at a sandbox service.' : 'The name cannot be changed.'
      }
      footer={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button
            isBusy={isTesting}
            unavailable={output === null ? submit.unavailable : null}
            onClick={() => void test()}
          >
            {isTesting ? 'Testing…' : 'Test connection'}
          </Button>
          <Button
            tone="primary"
            {...submit}
            isBusy={submit.isBusy || isTesting}
            unavailable={submit.unavailable ?? (isUntested ? 'Test the connection first.' : null)}
          >
            {isSending && !isTesting
              ? edited === null
                ? 'Adding…'
                : 'Saving…'
              : result?.ok === false
                ? `${verb} anyway`
                : edited === null
                  ? 'Add connection'
                  : 'Save changes'}
          </Button>
        </>
      }
    >
      <form {...form} autoComplete="off" className="flex flex-col gap-4">
        <ConnectionFieldset values={values} errors={errors} change={change} edited={connection} />
        {result === null ? null : (
          <div ref={showResult}>
            <TestReport result={result} />
          </div>
        )}
        {refusal === null ? null : <Alert>{refusal}</Alert>}
        {/* Enter submits a form only if it has a button of its own. */}
        <button type="submit" hidden aria-hidden tabIndex={-1} />
      </form>
    </ConfirmDialog>
  );
}

/** A new key, account or address has to be tested. Titles and labels need not. */
function needsTest({ fields, key }: ConnectionDraft, edited: ConnectionFields | null): boolean {
  return (
    edited === null ||
    key !== null ||
    fields.apiUrl !== edited.apiUrl ||
    fields.kind !== edited.kind ||
    fields.teamId !== edited.teamId
  );
}

function fieldsOf(facts: ConnectionFacts): ConnectionFields | null {
  const kind = SERVICE_KINDS.find((each) => each === facts.kind);
  return kind === undefined ? null : { ...facts, kind };
}

/** The form is longer than a small window, and the result is at its end. */
function showResult(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}
