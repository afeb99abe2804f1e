'use client';

import { type FormEvent, useId, useState } from 'react';
import type { ZodType } from 'zod';

type Options<Values extends object, Output> = {
  initial: Values;
  schema: ZodType<Output, Values>;
  /** Why the form cannot be sent, apart from errors of its fields. */
  unavailable?: string | null;
  /** Sends the parsed values. Returns the message to show if the request is refused, `null` if it succeeded. */
  send: (output: Output) => Promise<string | null> | string | null;
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
  form: { id: string; onSubmit: (event: FormEvent) => void };
  /** Props of the button that submits, which may stand outside the form. */
  submit: { type: 'submit'; form: string; isBusy: boolean; unavailable: string | null };
};

/** The state of a form: values parsed by `schema` on each change, one request at a time, and its refusal. */
export function useForm<Values extends object, Output>({
  initial,
  schema,
  unavailable = null,
  send,
}: Options<Values, Output>): Form<Values, Output> {
  const id = useId();
  const [values, setValues] = useState(initial);
  const [isSending, setIsSending] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const parsed = schema.safeParse(values);
  const issues = parsed.success ? [] : parsed.error.issues;
  const errors = Object.fromEntries(
    issues.toReversed().map(({ path, message }) => [String(path[0]), message]),
  ) as Errors<Values>;

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!parsed.success || unavailable !== null || isSending) return;
    setIsSending(true);
    setRefusal(null);
    const answer = await send(parsed.data);
    setIsSending(false);
    setRefusal(answer);
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
