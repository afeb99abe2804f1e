'use client';

import type { ReactNode } from 'react';
import { CopyButton } from '@/components/ui/copy-button';
import { Fact, FactList } from '@/components/ui/fact-list';
import { LinkButton } from '@/components/ui/link-button';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { Visible } from '@/components/ui/visible-text';
import { paths } from '@/lib/paths';
import type { Declared, ProviderFacts, SignInFacts } from '@/lib/settings/sign-in-facts';
import { GrantsTable } from './grants-table';

/** How people sign in with a provider, for admins. It is configured on the server, so it is read here. */
export function SignInSettings({ facts }: { facts: SignInFacts }) {
  const { providers, checkSeconds, clockSeconds, redirectUri } = facts;
  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <SettingsHeading above="Settings" title="Sign-in" />
      {providers.length === 0 ? (
        <NoProvider redirectUri={redirectUri} />
      ) : (
        <PanelBoundary what="sign-in">
          <div className="flex flex-col gap-8 p-5">
            {providers.map((provider) => (
              <Provider key={provider.name} facts={provider} />
            ))}
            <div className="grid gap-5 lg:grid-cols-2">
              <FactList title="Checks">
                <Value
                  name="Groups"
                  value={checkSeconds}
                  text={`Confirmed at least every ${inWords(Number(checkSeconds.value)).replace(/^1 /, '')}`}
                />
                <Value
                  name="Clocks"
                  value={clockSeconds}
                  text={`May differ by ${inWords(Number(clockSeconds.value))}`}
                />
              </FactList>
            </div>
          </div>
        </PanelBoundary>
      )}
    </main>
  );
}

function Provider({ facts }: { facts: ProviderFacts }) {
  const { name, title, grants, grantsFrom } = facts;
  return (
    <section aria-label={title.value} className="flex min-w-0 flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h2 className="mr-auto min-w-0 truncate font-semibold text-title">
          <Visible text={title.value} title />
        </h2>
        <LinkButton href={paths.startSignInTest(name)} opensTab>
          Test sign-in
        </LinkButton>
      </div>
      <div className="grid gap-5 lg:grid-cols-2">
        <div className="grid min-w-0 content-start gap-5">
          <FactList title="Configuration">
            <Value name="Name" value={title} />
            <Value name="Issuer" value={facts.issuer} isMono />
            <Value name="Client ID" value={facts.clientId} isMono />
            <Value name="Client secret" value={facts.clientSecret} />
            <Value name="Scopes" value={facts.scopes} isMono />
            {facts.parameters.value === '' ? null : (
              <Value name="Parameters" value={facts.parameters} isMono />
            )}
            <Value name="Groups claim" value={facts.groupsClaim} isMono />
          </FactList>
        </div>
        <div className="grid min-w-0 content-start gap-5">
          <GrantsTable grants={grants} from={grantsFrom} />
          <FactList title="Addresses for the provider">
            <Address name="Redirect URI" address={facts.redirectUri} />
            <Address name="After sign-out" address={facts.afterSignOutUri} />
            <Address name="Back-channel logout" address={facts.backChannelUri} />
          </FactList>
        </div>
      </div>
    </section>
  );
}

type ValueProps = { name: string; value: Declared; text?: string; isMono?: boolean };

function Value({ name, value: { value, from }, text = value, isMono = false }: ValueProps) {
  return (
    <Fact
      name={name}
      hint={from === null ? 'Default' : <Visible text={from} className="[overflow-wrap:anywhere]" />}
    >
      <Visible text={text} className={isMono ? 'break-all font-mono text-small' : 'break-words'} />
    </Fact>
  );
}

function Address({ name, address }: { name: string; address: string }) {
  return (
    <Fact name={name}>
      <CopyAddress name={name} address={address} />
    </Fact>
  );
}

function CopyAddress({ name, address }: { name: string; address: string }) {
  return (
    <span className="flex items-start gap-2">
      <span translate="no" className="min-w-0 flex-1 break-all font-mono text-small">
        {address}
      </span>
      <CopyButton text={address} label={`Copy ${name}`} />
    </span>
  );
}

function NoProvider({ redirectUri }: { redirectUri: string }): ReactNode {
  return (
    <NoticeColumn>
      <Notice level="h2" title="No identity provider is set up">
        <p>
          To let people sign in with your identity provider, register Sandkeeper there with this redirect URI,
          set{' '}
          <code translate="no" className="font-mono text-small">
            SANDKEEPER_OIDC_ISSUER
          </code>{' '}
          and the variables beside it, and restart Sandkeeper.{' '}
          <span className="whitespace-nowrap">docs/sign-in.md</span> describes the steps.
        </p>
      </Notice>
      <div className="mt-4 rounded-md border border-line bg-surface px-4 py-2">
        <CopyAddress name="Redirect URI" address={redirectUri} />
      </div>
    </NoticeColumn>
  );
}

/** Whole seconds, minutes or hours. */
function inWords(seconds: number): string {
  const [count, unit] =
    seconds % 3_600 === 0 && seconds > 0
      ? [seconds / 3_600, 'hour']
      : seconds % 60 === 0 && seconds > 0
        ? [seconds / 60, 'minute']
        : [seconds, 'second'];
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`;
}
