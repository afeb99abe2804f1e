'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { Alert } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { Newer } from '@/lib/settings/change-connection';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';

/** The state of a connection that a form is based on, and the newer one if it was refused because of that. */
export function useSeen<Facts extends ConnectionFacts | null>(facts: Facts) {
  const [seen, setSeen] = useState<Facts | ConnectionFacts>(facts);
  const [newer, setNewer] = useState<Newer | null>(null);
  function load() {
    if (newer !== null) setSeen(newer.facts);
    setNewer(null);
  }
  return { seen, newer, setNewer, load };
}

/** Why a form that is based on an older state cannot be sent. */
export const LOAD_FIRST = 'Load the present state first.';

/** Says who changed the connection since the form was opened, and offers to load its present state. */
export function ChangedMeanwhile({ newer, onLoad }: { newer: Newer; onLoad: () => void }) {
  return (
    <Alert>
      {newer.changes.map(({ version, by, atMs, what }) => (
        <span key={version} className="block">
          <Visible text={by} /> <Visible text={what.replace(/\bit$/, 'this connection')} /> on{' '}
          <LocalTime ms={atMs} isShort />.
        </span>
      ))}
      {newer.changes.length === 0 ? (
        <span className="block">This connection was changed since you opened this form.</span>
      ) : null}
      <span className="block">Nothing of yours is saved yet.</span>
      <Button className="mt-2" onClick={onLoad}>
        Load the present state
      </Button>{' '}
      <span className="text-ink-2">What you have typed is kept.</span>
    </Alert>
  );
}
