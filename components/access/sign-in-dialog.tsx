'use client';

import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { usePageState } from '@/components/data/use-page-state';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { signIn } from '@/lib/access/actions';
import { answerOf } from '@/lib/answer';
import { keepKeysWithin } from '@/lib/key-events';
import { checkPage, pageStatus } from '@/lib/page-state';
import { paths } from '@/lib/paths';
import { CodeField, type LinkField } from './sign-in-form';

/**
 * Asks for a sign-in over the page when its session has ended, so that nothing on the page is lost. Closes by itself when
 * the person has signed in in another tab.
 */
export function SignInDialog({ field }: { field: LinkField }) {
  const { session } = usePageState();
  const refresh = useRefresh();
  useEffect(() => {
    // Tabs that wait for a sign-in go on.
    pageStatus().sessionIsValid();
    // The person may have another role now.
    return pageStatus().onRestored(() => {
      if (!pageStatus().state().isOutdated) refresh();
    });
  }, [refresh]);
  return session === 'ended' ? <OpenDialog field={field} /> : null;
}

function OpenDialog({ field }: { field: LinkField }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  // The element is in the browser's top layer, above the dialogs of the page, which stay open and unchanged.
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    const focused = document.activeElement;
    element.showModal();
    const stop = keepKeysWithin(element);
    return () => {
      stop();
      element.close();
      if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    };
  }, []);

  useEffect(() => {
    const check = () => void checkPage();
    window.addEventListener('focus', check);
    return () => window.removeEventListener('focus', check);
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (isBusy) return;
    const form = new FormData(event.currentTarget);
    form.set('stays', '');
    setIsBusy(true);
    setError(null);
    const result = await answerOf(signIn(null, form));
    setIsBusy(false);
    if (result?.ok) pageStatus().sessionIsValid();
    else if (result === null) setError('The server could not be reached. Try again.');
    else if (result.error.code === 'outdated')
      setError('Sandkeeper was updated since this page was loaded. Sign in in another tab.');
    else setError(result.error.message);
  }

  return (
    <dialog
      ref={dialog}
      aria-labelledby={title}
      // Escape would leave a page that cannot do anything.
      onCancel={(event) => event.preventDefault()}
      onClose={({ currentTarget }) => currentTarget.isConnected && currentTarget.showModal()}
      className="m-auto w-[min(400px,calc(100vw-32px))] rounded-lg border border-line bg-raise p-6 text-ink shadow-float backdrop:bg-backdrop"
    >
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <div>
          <h2 id={title} className="font-semibold text-title">
            Sign in to continue
          </h2>
          <p className="text-ink-2">
            Your session has ended. Everything on this page stays as it is, and you continue where you were.
          </p>
        </div>
        {field === null ? null : <CodeField field={field} error={error} />}
        <div className="flex flex-wrap items-center justify-between gap-3">
          <a href={paths.signIn()} target="_blank" rel="noreferrer" className="text-accent underline">
            Sign in in another tab
          </a>
          {field === null ? null : (
            <Button type="submit" tone="primary" isBusy={isBusy}>
              {isBusy ? 'Signing in…' : 'Sign in'}
            </Button>
          )}
        </div>
      </form>
    </dialog>
  );
}
