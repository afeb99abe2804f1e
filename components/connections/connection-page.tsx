'use client';

import Link from 'next/link';
import { type ReactNode, useMemo } from 'react';
import { Fact, FactList } from '@/components/ui/fact-list';
import { LocalTime } from '@/components/ui/local-time';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { Strip } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import { KIND_TITLES } from '@/lib/connection';
import { paths } from '@/lib/paths';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import type { Compatibility } from '@/lib/settings/read-connections';
import { CompatibilityTable } from './compatibility-table';
import { ConnectionActions } from './connection-actions';
import { ConnectionBadge, ConnectionLabel, currentProblem, keyText, SOURCE_NAMES } from './connection-badge';
import { describeClock } from './test-result';
import { useLiveFacts } from './use-live-facts';

type Props = {
  facts: ConnectionFacts;
  /** `null` while the connection is disabled or its key cannot be decrypted. */
  compatibility: Compatibility | null;
  /** Whether the person may change connections. */
  canChange: boolean;
};

/** One connection: facts, state and what its service offers. */
export function ConnectionPage({ facts: rendered, compatibility, canChange }: Props) {
  const [facts = rendered] = useLiveFacts(useMemo(() => [rendered], [rendered]));
  const problem = currentProblem(facts);
  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <SettingsHeading
        above={
          canChange ? (
            <Link href={paths.connections()} className="hover:text-ink">
              Connections
            </Link>
          ) : (
            'Connections'
          )
        }
        title={<Visible text={facts.title} title />}
        badge={<ConnectionBadge state={facts.state} />}
      >
        {canChange && facts.declaredIn === null ? <ConnectionActions facts={facts} /> : null}
      </SettingsHeading>
      {problem === null ? null : (
        <Strip>
          <Visible text={problem} shape="block" />
        </Strip>
      )}
      <div className="grid gap-5 p-5 lg:grid-cols-[minmax(300px,1fr)_minmax(0,2fr)]">
        <PanelBoundary what="facts">
          <Facts facts={facts} />
        </PanelBoundary>
        <PanelBoundary what="compatibility">
          <CompatibilityTable name={facts.name} isDisabled={facts.isDisabled} compatibility={compatibility} />
        </PanelBoundary>
      </div>
    </main>
  );
}

const mono = (text: string): ReactNode => <Visible text={text} className="break-all font-mono text-small" />;

function Facts({ facts }: { facts: ConnectionFacts }) {
  const { name, label, kind, apiUrl, domain, sandboxUrl, teamId, lastProblem, declaredIn } = facts;
  return (
    <FactList title="Overview">
      <Fact name="Name">
        {mono(name)} <ConnectionLabel label={label} />
      </Fact>
      <Fact name="Kind">{KIND_TITLES[kind]}</Fact>
      <Fact name="API address">{mono(apiUrl)}</Fact>
      {sandboxUrl === null ? (
        <Fact name="Domain">{mono(domain)}</Fact>
      ) : (
        <Fact name="Sandboxes at">{mono(sandboxUrl)}</Fact>
      )}
      {teamId === null ? null : <Fact name="Team ID">{mono(teamId)}</Fact>}
      <Fact name="API key">{mono(keyText(facts))}</Fact>
      <Fact name="Sandboxes">
        {facts.sandboxes === null ? 'Not read yet' : facts.sandboxes.toLocaleString('en')}
      </Fact>
      <Fact name="Last used" hint="The last time that its sandboxes were read.">
        {facts.lastReadAtMs === null ? 'Not yet' : <LocalTime ms={facts.lastReadAtMs} />}
      </Fact>
      {facts.lastReadAtMs === null ? null : <Fact name="Clock">{describeClock(facts.aheadMs)}</Fact>}
      {lastProblem === null ? null : (
        <Fact name="Last problem" hint={<LocalTime ms={lastProblem.atMs} />}>
          <Visible text={lastProblem.message} shape="block" />
        </Fact>
      )}
      {declaredIn === null ? (
        <Fact name="Added">
          {facts.createdAtMs === null ? null : <LocalTime ms={facts.createdAtMs} />}
          {facts.createdBy === null ? null : (
            <>
              {' by '}
              <Visible text={facts.createdBy} />
            </>
          )}
        </Fact>
      ) : (
        <Fact name={SOURCE_NAMES[facts.source]} hint="Change it there, then restart Sandkeeper.">
          Configured in {mono(declaredIn)}
        </Fact>
      )}
    </FactList>
  );
}
