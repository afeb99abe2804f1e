'use client';

import { clsx } from 'clsx';
import { type SubmitEvent, useId } from 'react';
import { Input } from '@/components/ui/field';

type ConfirmationProps = {
  phrase: string;
  isLong: boolean;
  typed: string;
  onType: (typed: string) => void;
  onSubmit: (event: SubmitEvent) => void;
};

/** The typed confirmation of what cannot be undone. Enter starts it if it matches. */
export function Confirmation({ phrase, isLong, typed, onType, onSubmit }: ConfirmationProps) {
  const id = useId();
  function submit(event: SubmitEvent) {
    event.preventDefault();
    onSubmit(event);
  }
  return (
    <form
      onSubmit={submit}
      className={clsx(
        'mr-auto flex basis-full items-center gap-2',
        !isLong && 'sm:min-w-56 sm:flex-1 sm:basis-0',
      )}
    >
      <label htmlFor={id} className="shrink-0 text-ink-2">
        Type{' '}
        <span translate="no" className="font-mono text-ink text-small">
          {phrase}
        </span>
      </label>
      <Input
        id={id}
        value={typed}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => onType(event.target.value)}
        className={clsx('w-full font-mono text-small', !isLong && 'sm:max-w-56')}
      />
    </form>
  );
}
