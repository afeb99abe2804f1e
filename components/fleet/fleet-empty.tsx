'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import type { ConnectionKind } from '@/lib/connection';
import { createDemo } from '@/lib/creation/actions';
import { type Sdk, sdkOf } from '@/lib/sandbox/sdk';
import type { ConnectionName } from '@/lib/sandbox-key';

type Sample = { title: string; text: string };

/** Code for each kind of service that is connected, in each language. */
function samplesFor(kinds: readonly ConnectionKind[]): [Sample, ...Sample[]] {
  const [first = sdkOf('moru'), ...others] = new Set(kinds.map(sdkOf));
  const suffix = (sdk: Sdk) => (others.length === 0 ? '' : ` (${sdk.title})`);
  const [python, ...rest] = [first, ...others].flatMap((sdk) => [
    { title: `Python${suffix(sdk)}`, text: pythonSample(sdk) },
    { title: `TypeScript${suffix(sdk)}`, text: typescriptSample(sdk) },
  ]);
  return [python ?? { title: 'Python', text: pythonSample(first) }, ...rest];
}

const pythonSample = ({ python }: Sdk) => `from ${python} import Sandbox

sandbox = Sandbox.create(metadata={"environment": "development"})
print(sandbox.sandbox_id)`;

const typescriptSample = ({ npm }: Sdk) => `import { Sandbox } from '${npm}'

const sandbox = await Sandbox.create({ metadata: { environment: 'development' } })
console.log(sandbox.sandboxId)`;

type Props = {
  /** The reason that this role cannot create a sandbox. */
  forbidden: string | null;
  /** The connection that can create a demo fleet. */
  demoIn: ConnectionName | null;
  /** The reason that this role cannot create a demo fleet there. */
  cannotFill: string | null;
  onNew: () => void;
  /** The kinds of the connections in use. */
  kinds: readonly ConnectionKind[];
};

/** Shown for an empty fleet: ways to create the first sandbox. */
export function FleetEmpty({ forbidden, demoIn, cannotFill, onNew, kinds }: Props) {
  const samples = samplesFor(kinds);
  const [language, setLanguage] = useState<string | null>(null);
  const sample = samples.find(({ title }) => title === language) ?? samples[0];
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
        <p className="mt-1 text-ink-2">Sandboxes that your code creates appear here within two seconds.</p>
        <div className="mt-4 flex gap-2">
          <Button tone="primary" unavailable={forbidden} onClick={onNew}>
            New sandbox
          </Button>
          {demoIn !== null ? (
            <Button unavailable={cannotFill} isBusy={pending} onClick={() => void fill(demoIn)}>
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
            {samples.map(({ title: name }) => (
              <button
                key={name}
                type="button"
                aria-pressed={name === sample.title}
                onClick={() => setLanguage(name)}
                className="rounded-sm px-2 py-0.5 text-ink-2 aria-pressed:bg-hover aria-pressed:font-medium aria-pressed:text-ink"
              >
                {name}
              </button>
            ))}
            <CopyButton text={sample.text} label="Copy sample" className="ml-auto" />
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls in a narrow window, and must be focusable for that. */}
          <pre translate="no" tabIndex={0} className="overflow-x-auto p-4 font-mono text-small leading-5">
            {sample.text}
          </pre>
        </div>
      </section>
    </div>
  );
}
