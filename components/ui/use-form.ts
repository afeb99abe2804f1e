'use client';

import { type SubmitEvent, useId, useState } from 'react';
import type { ZodType } from 'zod';
import { useKept } from './use-kept';

type Options<Values extends object, Output> = {
  initial: Values;
  schema: ZodType<Output, Values>;
  /** Why the form cannot be sent, apart from errors of its fields. */
  unavailable?: string | null;
  /** Keeps the values across a reload of the page, under this name. See `useKept`, also for what must not be kept. */
  keptAs?: string | null;
  /**
   * Sends the parsed values. `button` is the value of the button that submits, and empty for Enter in a field of a form whose
   * first button has none. Returns the message to show if the request is refused, `null` if it succeeded.
   */
  send: (output: Output, button: string) => Promise<string | null> | string | null;
};

type Errors<Values> = { readonly [Name in keyof Values]?: string };

type Form<Values extends object, Output> = {
  values: Values;
  change: <Name extends keyof Values>(name: Name, value: Values[Name]) => void;
  /** The first problem of each field, by name. */
  errors: Errors<Values>;
  /** The parsed values; `null` while a field has an error. */
  output: Output | null;
  isSending: boolean;
  /** Why the last request was refused. */
  refusal: string | null;
  /** Forgets the refusal, as for closing a dialog. */
  forget: () => void;
  /** Props of the `form` element. */
  form: { id: string; onSubmit: (event: SubmitEvent) => void };
  /** Props of the button that submits, which may stand outside the form. */
  submit: { type: 'submit'; form: string; isBusy: boolean; unavailable: string | null };
};

/**
 * The state of a form: values parsed by `schema` on each change, one request at a time, and its refusal.
 *
 * It is not for a form that has to work before the page's scripts do, as the sign-in page: that one posts itself to its
 * action. Nor for the sign-in dialog, whose token stays in its input and never enters React's state; for a kill or a bulk
 * command, whose buttons start a plan that is read again; or for a field that acts while one types, such as a search.
 */
export function useForm<Values extends object, Output>({
  initial,
  schema,
  unavailable = null,
  keptAs = null,
  send,
}: Options<Values, Output>): Form<Values, Output> {
  const id = useId();
  const [values, setValues, settle] = useKept(keptAs, initial);
  const [isSending, setIsSending] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const parsed = schema.safeParse(values);
  const issues = parsed.success ? [] : parsed.error.issues;
  const errors = Object.fromEntries(
    issues.toReversed().map(({ path, message }) => [String(path[0]), message]),
  ) as Errors<Values>;

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const { submitter } = event.nativeEvent;
    const button = submitter instanceof HTMLButtonElement ? submitter.value : '';
    if (!parsed.success || unavailable !== null || isSending) return;
    setIsSending(true);
    setRefusal(null);
    const answer = await send(parsed.data, button);
    setIsSending(false);
    setRefusal(answer);
    if (answer === null) settle();
  }

  return {
    values,
    change: (name, value) => setValues((before) => ({ ...before, [name]: value })),
    errors,
    output: parsed.success ? parsed.data : null,
    isSending,
    refusal,
    forget: () => setRefusal(null),
    form: { id, onSubmit: (event) => void submit(event) },
    submit: {
      type: 'submit',
      form: id,
      isBusy: isSending,
      unavailable: issues[0]?.message ?? unavailable,
    },
  };
}
