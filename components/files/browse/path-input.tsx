'use client';

import { type KeyboardEvent, useId } from 'react';
import { z } from 'zod';
import { Button } from '@/components/ui/button';
import { useForm } from '@/components/ui/use-form';
import { Visible } from '@/components/ui/visible-text';
import { ApiFailure } from '@/lib/api-client';
import { isFolder } from '@/lib/files/browse/order';
import { readEntry } from '@/lib/files/browse/queries';
import { ancestorsOf, parentOf, resolvePath } from '@/lib/files/guest-path';
import { unlessComposing } from '@/lib/key-events';
import type { SandboxKey } from '@/lib/sandbox-key';

type Props = {
  sandboxKey: SandboxKey;
  folder: string;
  home: string;
  start: string;
  onGo: (path: string, file?: string) => void;
  onClose: () => void;
};

/** Goes to a typed path: a folder, or a file in its folder. */
export function PathInput({ sandboxKey, folder, home, start, onGo, onClose }: Props) {
  const error = useId();
  const {
    values,
    change,
    refusal: problem,
    forget,
    form,
    submit,
  } = useForm({
    initial: { path: start },
    schema: pathIn({ folder, home }),
    send: async ({ path }) => {
      try {
        const entry = await readEntry(sandboxKey, path);
        if (isFolder(entry)) onGo(path);
        else onGo(parentOf(path), path);
        return null;
      } catch (thrown) {
        return problemText(sandboxKey, path, ApiFailure.from(thrown));
      }
    },
  });

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    onClose();
  }

  return (
    <form {...form} className="relative flex min-w-0 flex-1 items-center gap-2">
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
        value={values.path}
        onChange={(event) => {
          change('path', event.target.value);
          forget();
        }}
        onKeyDown={unlessComposing(onKeyDown)}
        className="h-8 min-w-0 flex-1 rounded-md border border-line bg-surface px-2.5 font-mono text-small outline-none focus-visible:border-accent focus-visible:ring-2 focus-visible:ring-accent/25"
      />
      <Button tone="primary" {...submit}>
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

/** The absolute path of what is typed. */
function pathIn(place: { folder: string; home: string }) {
  const typed = z.string().transform((text, context) => {
    const path = resolvePath(text, place);
    if (path !== null) return path;
    context.addIssue({ code: 'custom', message: 'Enter a path.' });
    return z.NEVER;
  });
  return z.object({ path: typed });
}

/** The error text, with the part of the path that exists. */
async function problemText(sandboxKey: SandboxKey, path: string, refusal: ApiFailure): Promise<string> {
  if (refusal.problem !== 'vanished') return refusal.message;
  for (const above of ancestorsOf(path).toReversed()) {
    const entry = await readEntry(sandboxKey, above).catch(() => null);
    if (entry !== null) return `${path} does not exist. The path is valid up to ${above}.`;
  }
  return `${path} does not exist. Check the path.`;
}
