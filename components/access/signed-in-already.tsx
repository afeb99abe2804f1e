'use client';

import { useEffect, useRef, useState } from 'react';
import { Button } from '@/components/ui/button';
import { ErrorText } from '@/components/ui/field';
import { Visible } from '@/components/ui/visible-text';
import { takeCodes, useSignIn } from './sign-in-form';
import { SignInColumn } from './sign-in-page';

type Props = {
  actor: string;
  /** Whether this is the person whom a sign-in link signs in. */
  isLocalAdmin: boolean;
  next: string | null;
};

/**
 * The sign-in page for a person who is signed in: goes on, unless they opened a sign-in link for somebody else. A redirect of
 * the server would carry the code of the link into the address of the next page.
 */
export function SignedInAlready({ actor, isLocalAdmin, next }: Props) {
  const [code, setCode] = useState<string | null>(null);
  const isAsking = useRef(false);
  const { error, isBusy, openLink } = useSignIn(next);
  const target = next ?? '/';
  useEffect(() => {
    const stop = takeCodes(next, (taken) => {
      isAsking.current = !isLocalAdmin;
      if (isAsking.current) setCode(taken);
    });
    if (!isAsking.current) window.location.replace(target);
    return stop;
  }, [next, isLocalAdmin, target]);
  return (
    <SignInColumn>
      <div>
        <h1 className="font-semibold text-title">
          You are signed in as <Visible text={actor} />
        </h1>
        {code === null ? null : (
          <p className="text-ink-2">
            The link that you opened signs in the local administrator instead. Your own session in this
            browser ends then.
          </p>
        )}
      </div>
      {error === null ? null : <ErrorText>{error}</ErrorText>}
      <div className="flex flex-wrap gap-3">
        <a
          href={target}
          className="inline-flex h-8 items-center rounded-md border border-line bg-surface px-3 font-medium hover:bg-hover"
        >
          {code === null ? 'Continue' : 'Stay signed in'}
        </a>
        {code === null || error !== null ? null : (
          <Button tone="primary" isBusy={isBusy} onClick={() => openLink(code)}>
            {isBusy ? 'Signing in…' : 'Use the link'}
          </Button>
        )}
      </div>
    </SignInColumn>
  );
}
