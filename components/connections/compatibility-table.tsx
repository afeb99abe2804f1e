'use client';

import { clsx } from 'clsx';
import { useState } from 'react';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { copyText } from '@/components/ui/copy-button';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import type { CapabilityFinding } from '@/lib/sandbox-api/capabilities';
import { checkOneConnection } from '@/lib/settings/actions';
import type { Compatibility } from '@/lib/settings/read-connections';

const SUPPORT = {
  yes: { name: 'Offered', className: 'text-ink' },
  no: { name: 'Not offered', className: 'text-ink-2' },
  unknown: { name: 'Not known yet', className: 'text-ink-3' },
} satisfies Record<CapabilityFinding['support'], { name: string; className: string }>;

const SOURCES = {
  preset: 'Expected',
  probe: 'Probed',
  answer: 'Seen in use',
} satisfies Record<CapabilityFinding['source'], string>;

type Props = { name: string; isDisabled: boolean; compatibility: Compatibility | null };

/** What the service of a connection was found to offer, and how that is known. */
export function CompatibilityTable({ name, isDisabled, compatibility }: Props) {
  const refresh = useRefresh();
  const [isChecking, setIsChecking] = useState(false);

  async function check() {
    setIsChecking(true);
    const answer = await answerOf(checkOneConnection(name));
    setIsChecking(false);
    if (answer?.ok) toast.success('Checked what the service offers');
    else
      toast.error('Could not check the service', {
        description: answer?.error.message ?? 'The server could not be reached. Try again.',
      });
    refresh();
  }

  return (
    <section
      aria-labelledby="compatibility"
      className="min-w-0 self-start overflow-hidden rounded-md border border-line bg-surface"
    >
      <div className="flex min-h-10 flex-wrap items-center gap-2 border-line border-b px-4 py-1">
        <h2 id="compatibility" className="mr-auto font-semibold">
          Compatibility
        </h2>
        {compatibility === null ? null : (
          <>
            <Button tone="quiet" onClick={() => void copyText(compatibility.text, 'the list as text')}>
              Copy as text
            </Button>
            <Button tone="quiet" onClick={() => void copyText(compatibility.json, 'the list as JSON')}>
              Copy as JSON
            </Button>
            <Button isBusy={isChecking} onClick={() => void check()}>
              {isChecking ? 'Checking…' : 'Check again'}
            </Button>
          </>
        )}
      </div>
      {compatibility === null ? (
        <p className="px-4 py-3 text-ink-2">
          {isDisabled
            ? 'Enable the connection to see what its service offers.'
            : 'Replace the key to see what its service offers.'}
        </p>
      ) : (
        <table className="w-full text-left">
          <thead className="text-ink-2 text-small">
            <tr>
              <th className="px-4 py-1.5 font-normal">Capability</th>
              <th className="px-2 py-1.5 font-normal">Support</th>
              <th className="px-4 py-1.5 font-normal">Evidence</th>
            </tr>
          </thead>
          <tbody>
            {compatibility.findings.map(({ name: capability, title, support, source, evidence }) => (
              <tr key={capability} className="border-line-soft border-t align-top">
                <th scope="row" className="px-4 py-1.5 font-normal">
                  {title}
                </th>
                <td className={clsx('whitespace-nowrap px-2 py-1.5', SUPPORT[support].className)}>
                  {SUPPORT[support].name}
                </td>
                <td className="px-4 py-1.5 text-ink-2">
                  {SOURCES[source]}: {evidence}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
