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
  rebase,
} from '@/lib/settings/connection-draft';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ChangedMeanwhile, LOAD_FIRST, useSeen } from './changed-meanwhile';
import { ConnectionFieldset } from './connection-fieldset';
import { Rebased } from './rebased';
import { TestReport, type TestResult } from './test-result';

type Props = {
  open: boolean;
  /** The connection to edit. `null`: a new one. */
  connection: ConnectionFacts | null;
  onClose: () => void;
  onSaved: () => void;
};

const NO_ANSWER = 'The server could not be reached. Check your connection and try again.';

/** Submits the form although the test failed. Enter never does: it is not the form's first button. */
const ANYWAY = 'anyway';

const WORDS = {
  add: { verb: 'Add', submit: 'Add connection', sending: 'Adding…' },
  save: { verb: 'Save', submit: 'Save changes', sending: 'Saving…' },
} as const;

/** The form of a connection. What decides whether it works is tested before it is saved. */
export function ConnectionDialog({ open, connection, onClose, onSaved }: Props) {
  const { seen, newer, setNewer, load } = useSeen(connection);
  const edited = seen === null ? null : fieldsOf(seen);
  const [tested, setTested] = useState<{ of: string; result: TestResult } | null>(null);
  const [isTesting, setIsTesting] = useState(false);
  const [rebased, setRebased] = useState<ReturnType<typeof rebase> | null>(null);
  const { values, change, errors, refusal, forget, isSending, output, form, submit } = useForm({
    initial: draftOf(edited),
    schema: edited === null ? NewConnection : ChangedConnection,
    unavailable: newer === null ? null : LOAD_FIRST,
    send: async (draft, button): Promise<string | null> => {
      if (needsTest(draft, edited) && result?.ok !== true && !(button === ANYWAY && result !== null)) {
        await test();
        return null;
      }
      return save(draft);
    },
  });
  const entered = testedPart(values);
  const result = tested?.of === entered ? tested.result : null;

  async function test() {
    if (isTesting) return;
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

  async function save({ fields }: ConnectionDraft): Promise<string | null> {
    const answer =
      seen === null
        ? await answerOf(addOneConnection(values))
        : await answerOf(editOneConnection({ version: seen.version, entered: values }));
    if (!answer?.ok) return answer?.error.message ?? NO_ANSWER;
    if (answer.value !== null && !answer.value.isMade) {
      setNewer(answer.value.newer);
      return null;
    }
    toast.success(seen === null ? `Added ${fields.title}` : `Saved ${fields.title}`);
    onSaved();
    close();
    return null;
  }

  function loadNewer() {
    if (newer === null) return;
    const next = rebase(values, draftOf(edited), draftOf(fieldsOf(newer.facts)));
    for (const [name, text] of Object.entries(next.values)) change(name as keyof typeof values, text);
    setRebased(next);
    load();
  }

  function close() {
    forget();
    change('key', '');
    onClose();
  }

  const isPassed = output === null || !needsTest(output, edited) || result?.ok === true;
  const hasFailed = !isPassed && result !== null;
  const words = edited === null ? WORDS.add : WORDS.save;
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      size="lg"
      title={seen === null ? 'Add connection' : `Edit ${seen.title}`}
      description={
        seen === null ? 'An account or project at a sandbox service.' : 'The name cannot be changed.'
      }
      footer={
        <>
          {hasFailed ? (
            <Button
              {...submit}
              tone="quiet"
              value={ANYWAY}
              isBusy={submit.isBusy || isTesting}
              className="mr-auto"
            >
              {`${words.verb} anyway`}
            </Button>
          ) : null}
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
            unavailable={
              submit.unavailable ??
              (isPassed
                ? null
                : hasFailed
                  ? 'The test failed. Correct the form and test it again.'
                  : 'Test the connection first.')
            }
          >
            {isSending && !isTesting ? words.sending : words.submit}
          </Button>
        </>
      }
    >
      <form {...form} autoComplete="off" className="flex flex-col gap-4">
        <ConnectionFieldset values={values} errors={errors} change={change} edited={seen} />
        {result === null ? null : (
          <div ref={showResult}>
            <TestReport result={result} />
          </div>
        )}
        {refusal === null ? null : <Alert>{refusal}</Alert>}
        {newer !== null ? (
          <div ref={showResult}>
            <ChangedMeanwhile newer={newer} onLoad={loadNewer} />
          </div>
        ) : rebased !== null ? (
          <Rebased {...rebased} />
        ) : null}
        {/* Enter submits a form by its first button. This one stands for the test, or for a tested form. */}
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

/** The part of the form that a test depends on. */
function testedPart({ kind, apiUrl, teamId, key }: ReturnType<typeof draftOf>): string {
  return JSON.stringify([kind, apiUrl, teamId, key]);
}

function fieldsOf(facts: ConnectionFacts): ConnectionFields | null {
  const kind = SERVICE_KINDS.find((each) => each === facts.kind);
  return kind === undefined ? null : { ...facts, kind };
}

/** The form is longer than a small window, and the result is at its end. */
function showResult(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}
