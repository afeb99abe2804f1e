'use client';

import { type FormEvent, type KeyboardEvent, useId, useState } from 'react';
import { Button } from '@/components/ui/button';
import { Visible } from '@/components/ui/visible-text';
import { ApiFailure } from '@/lib/api-client';
import { isFolder } from '@/lib/files/browse/order';
import { readEntry } from '@/lib/files/browse/queries';
import { ancestorsOf, parentOf, resolvePath } from '@/lib/files/guest-path';
import { unlessComposing } from '@/lib/key-events';

type Props = {
  sandboxId: string;
  folder: string;
  home: string;
  start: string;
  onGo: (path: string, file?: string) => void;
  onClose: () => void;
};

/** Goes to a typed path: a folder, or a file in its folder. */
export function PathInput({ sandboxId, folder, home, start, onGo, onClose }: Props) {
  const [text, setText] = useState(start);
  const [isReading, setIsReading] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const error = useId();

  async function go(event: FormEvent) {
    event.preventDefault();
    const path = resolvePath(text, { folder, home });
    if (path === null || isReading) return;
    setIsReading(true);
    setProblem(null);
    try {
      const entry = await readEntry(sandboxId, path);
      if (isFolder(entry)) onGo(path);
      else onGo(parentOf(path), path);
    } catch (thrown) {
      setProblem(await problemText(sandboxId, path, ApiFailure.from(thrown)));
      setIsReading(false);
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onClose();
  }

  return (
    <form onSubmit={go} className="relative flex min-w-0 flex-1 items-center gap-2">
      <input
        type="text"
        // biome-ignore lint/a11y/noAutofocus: the user opened it to type.
        autoFocus
        aria-label="Go to path"
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : error}
        placeholder="/home/user/out, ../logs, ~"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(null);
        }}
        onKeyDown={unlessComposing(onKeyDown)}
        className="h-8 min-w-0 flex-1 rounded-md border border-line bg-surface px-2.5 font-mono text-small outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25"
      />
      <Button
        type="submit"
        tone="primary"
        unavailable={text.trim() === '' ? 'Enter a path.' : null}
        isBusy={isReading}
      >
        Go
      </Button>
      <Button onClick={onClose}>Cancel</Button>
      {problem === null ? null : (
        <p
          id={error}
          role="alert"
          className="absolute top-[calc(100%+4px)] left-0 z-30 max-w-full rounded-md border border-line bg-raise px-3 py-1.5 shadow-float"
        >
          <Visible text={problem} />
        </p>
      )}
    </form>
  );
}

/** The error text, with the part of the path that exists. */
async function problemText(sandboxId: string, path: string, refusal: ApiFailure): Promise<string> {
  if (refusal.problem !== 'vanished') return refusal.message;
  for (const above of ancestorsOf(path).toReversed()) {
    const entry = await readEntry(sandboxId, above).catch(() => null);
    if (entry !== null) return `${path} does not exist. The path is valid up to ${above}.`;
  }
  return `${path} does not exist. Check the path.`;
}
