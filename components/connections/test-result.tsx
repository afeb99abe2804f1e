'use client';

import { Alert } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { ConnectionTest } from '@/lib/settings/connection-test';

export type TestResult = { ok: true; found: ConnectionTest } | { ok: false; message: string };

/** What a test of a connection found, or why it failed. */
export function TestReport({ result }: { result: TestResult }) {
  if (!result.ok)
    return (
      <Alert>
        <Visible text={result.message} shape="block" />
      </Alert>
    );
  const { answerMs, sandboxes, hasMore, aheadMs, findings } = result.found;
  const offered = (wanted: string) =>
    findings.filter(({ support }) => support === wanted).map(({ title }) => title);
  return (
    <section
      role="status"
      aria-label="Result of the test"
      className="rounded-md border border-line bg-surface px-3 py-2"
    >
      <p className="font-medium">The connection works</p>
      <ul className="mt-1 text-ink-2">
        <li>The service answered after {answerMs} ms.</li>
        <li>
          {hasMore ? 'More than ' : ''}
          {sandboxes.toLocaleString('en')} {sandboxes === 1 && !hasMore ? 'sandbox' : 'sandboxes'} found.
        </li>
        <li>{describeClock(aheadMs)}</li>
        <Capabilities name="Offered" titles={offered('yes')} />
        <Capabilities name="Not offered" titles={offered('no')} />
        <Capabilities name="Not known yet" titles={offered('unknown')} />
      </ul>
    </section>
  );
}

function Capabilities({ name, titles }: { name: string; titles: readonly string[] }) {
  if (titles.length === 0) return null;
  return (
    <li>
      <details>
        <summary className="min-h-6 cursor-pointer">
          {name}: {titles.length} {titles.length === 1 ? 'capability' : 'capabilities'}
        </summary>
        <p className="pl-4 text-small">{titles.join(', ')}</p>
      </details>
    </li>
  );
}

/** How far the clock of a service is from that of the server. */
export function describeClock(aheadMs: number): string {
  if (aheadMs === 0) return 'Its clock agrees with the clock of this server.';
  const seconds = Math.abs(aheadMs) / 1_000;
  return `Its clock is ${seconds.toLocaleString('en')} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the clock of this server.`;
}
