'use client';

import { useActionState, useEffect, useRef } from 'react';
import { Button } from '@/components/ui/button';
import { Field, Input } from '@/components/ui/field';
import { Mark } from '@/components/ui/mark';
import { signIn } from '@/lib/access/actions';
import { paths } from '@/lib/paths';

type Props = {
  token: string;
  /** The page to go to afterwards. */
  next: string | null;
};

/** Signs in with a token. A token from the link is submitted at once and removed from the address bar. */
export function SignInForm({ token, next }: Props) {
  const [result, submit, pending] = useActionState(signIn, null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (token === '') return;
    window.history.replaceState(null, '', paths.signIn(next));
    form.current?.requestSubmit();
  }, [token, next]);
  const error = result?.ok === false ? result.error.message : null;
  return (
    <main className="flex min-h-dvh items-center justify-center p-6">
      <form ref={form} action={submit} className="flex w-full max-w-sm flex-col gap-4">
        <Mark size={36} />
        <div>
          <h1 className="font-semibold text-title">Sign in to Sandkeeper</h1>
          <p className="text-ink-2">Open the link printed at startup, or enter its token.</p>
        </div>
        {next === null ? null : <input type="hidden" name="next" value={next} />}
        <TokenField error={error} defaultValue={token} />
        <Button type="submit" tone="primary" size="lg" isBusy={pending}>
          {pending ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
    </main>
  );
}

export function TokenField({ error, defaultValue = '' }: { error: string | null; defaultValue?: string }) {
  return (
    <Field label="Token" error={error} hint="The part of the link after token=">
      <Input
        name="token"
        type="password"
        autoComplete="off"
        defaultValue={defaultValue}
        required
        className="font-mono"
      />
    </Field>
  );
}
