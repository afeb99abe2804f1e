'use client';

import { startTransition, useActionState, useCallback, useEffect } from 'react';
import { Button } from '@/components/ui/button';
import { ErrorText, Field, Input } from '@/components/ui/field';
import { signIn } from '@/lib/access/actions';
import { paths } from '@/lib/paths';

/** What the field of a sign-in link takes; `null`: sign-in by link is switched off. */
export type LinkField = 'code' | 'code-or-token' | null;

type Props = {
  field: LinkField;
  /** The page to go to afterwards. */
  next: string | null;
};

/**
 * Signs in with the code of a sign-in link. A code in the address is submitted at once, also where the field is switched
 * off: the server may have printed it for an emergency.
 */
export function SignInForm({ field, next }: Props) {
  const { error, isBusy, submit, openLink } = useSignIn(next);
  useEffect(() => takeCodes(next, openLink), [next, openLink]);
  if (field === null) {
    if (isBusy) return <p role="status">Signing in with the link…</p>;
    return error === null ? null : <ErrorText>{error}</ErrorText>;
  }
  return (
    <form action={submit} className="flex flex-col gap-4">
      {next === null ? null : <input type="hidden" name="next" value={next} />}
      <CodeField field={field} error={error} />
      <Button type="submit" tone="primary" size="lg" isBusy={isBusy}>
        {isBusy ? 'Signing in…' : 'Sign in'}
      </Button>
    </form>
  );
}

/** The sign-in with a form, and with the code of a link. */
export function useSignIn(next: string | null) {
  const [result, submit, isBusy] = useActionState(signIn, null);
  const openLink = useCallback(
    (code: string) => {
      const form = new FormData();
      form.set('token', code);
      if (next !== null) form.set('next', next);
      startTransition(() => submit(form));
    },
    [submit, next],
  );
  return { error: result?.ok === false ? result.error.message : null, isBusy, submit, openLink };
}

/**
 * Takes the code out of the address, and that of a link that is opened later in the same tab, which loads no page. Nothing of
 * it stays in the address bar or the history.
 */
export function takeCodes(next: string | null, onCode: (code: string) => void): () => void {
  const take = () => {
    const [, code] = /^#code=(.+)$/.exec(window.location.hash) ?? [];
    if (
      code === undefined &&
      window.location.search === new URL(paths.signIn(next), window.location.href).search
    )
      return;
    window.history.replaceState(null, '', paths.signIn(next));
    if (code !== undefined) onCode(code);
  };
  take();
  window.addEventListener('hashchange', take);
  return () => window.removeEventListener('hashchange', take);
}

export function CodeField({ field, error }: { field: Exclude<LinkField, null>; error: string | null }) {
  return (
    <Field
      label={field === 'code' ? 'Code' : 'Code or token'}
      error={error}
      hint="The part of the sign-in link after code="
    >
      <Input name="token" type="password" autoComplete="off" required className="font-mono" />
    </Field>
  );
}
