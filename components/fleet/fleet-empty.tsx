'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import { createDemo } from '@/lib/creation/actions';
import type { ConnectionName } from '@/lib/sandbox-key';

const SAMPLES = {
  Python: `from moru import Sandbox

sandbox = Sandbox.create(metadata={"environment": "development"})
print(sandbox.sandbox_id)`,
  TypeScript: `import { Sandbox } from '@moru-ai/core'

const sandbox = await Sandbox.create({ metadata: { environment: 'development' } })
console.log(sandbox.sandboxId)`,
} as const;

type Props = {
  /** The reason that this role cannot create a sandbox. */
  forbidden: string | null;
  /** The connection that can create a demo fleet. */
  demoIn: ConnectionName | null;
  onNew: () => void;
};

/** Shown for an empty fleet: ways to create the first sandbox. */
export function FleetEmpty({ forbidden, demoIn, onNew }: Props) {
  const [language, setLanguage] = useState<keyof typeof SAMPLES>('Python');
  const [pending, setPending] = useState(false);
  async function fill(connection: ConnectionName) {
    setPending(true);
    const result = await answerOf(createDemo(connection));
    setPending(false);
    if (!result?.ok)
      toast.error('Could not create the demo fleet', {
        description: result?.error.message ?? 'The server could not be reached. Try again.',
      });
  }
  return (
    <div className="flex flex-1 flex-col items-center overflow-y-auto px-5 pt-[10vh] pb-10">
      <section className="w-full max-w-xl">
        <h2 className="font-semibold text-title">No sandboxes yet</h2>
        <p className="text-ink-2">Sandboxes that your code creates appear here within two seconds.</p>
        <div className="mt-4 flex gap-2">
          <Button tone="primary" unavailable={forbidden} onClick={onNew}>
            New sandbox
          </Button>
          {demoIn !== null ? (
            <Button unavailable={forbidden} isBusy={pending} onClick={() => void fill(demoIn)}>
              {pending ? 'Creating…' : 'Create a demo fleet'}
            </Button>
          ) : null}
        </div>
        {demoIn !== null ? (
          <p className="mt-6 text-ink-2">
            In the terminal where your code runs, first paste the three{' '}
            <code translate="no" className="font-mono">
              export MORU_…
            </code>{' '}
            lines that Sandkeeper printed at startup.
          </p>
        ) : null}
        <div className="mt-6 overflow-hidden rounded-md border border-line bg-surface">
          <div
            className="flex items-center gap-1 border-line border-b px-2 py-1.5"
            role="group"
            aria-label="Language"
          >
            {(Object.keys(SAMPLES) as (keyof typeof SAMPLES)[]).map((name) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === language}
                onClick={() => setLanguage(name)}
                className="rounded-sm px-2 py-0.5 text-ink-2 aria-pressed:bg-hover aria-pressed:font-medium aria-pressed:text-ink"
              >
                {name}
              </button>
            ))}
            <CopyButton text={SAMPLES[language]} label="Copy sample" className="ml-auto" />
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls in a narrow window, and must be focusable for that. */}
          <pre translate="no" tabIndex={0} className="overflow-x-auto p-4 font-mono text-small leading-5">
            {SAMPLES[language]}
          </pre>
        </div>
      </section>
    </div>
  );
}
