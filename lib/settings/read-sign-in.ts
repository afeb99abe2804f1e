import 'server-only';
import { afterSignOutUri, backChannelUri, redirectUri } from '../access/oidc/provider';
import { config } from '../config';
import type { DeclaredProvider } from '../declared-providers';
import type { Declared, ProviderFacts, SignInFacts } from './sign-in-facts';

/** The ways to sign in, as the settings show them. */
export function readSignInFacts(): SignInFacts {
  const { providers, checkMs, clockToleranceSeconds, set } = config().oidc;
  const declared = (variable: (typeof set)[number], value: number): Declared => ({
    value: String(value),
    from: set.includes(variable) ? variable : null,
  });
  return {
    providers: providers.map(factsOf),
    checkSeconds: declared('SANDKEEPER_OIDC_CHECK_SECONDS', checkMs / 1_000),
    clockSeconds: declared('SANDKEEPER_OIDC_CLOCK_SECONDS', clockToleranceSeconds),
    redirectUri: redirectUri(),
  };
}

/** Field by field, so that nothing secret is added by accident. */
function factsOf(provider: DeclaredProvider): ProviderFacts {
  const { name, source, declaredIn, defaults, secretFrom, parameters } = provider;
  const from = (variable: string) => (source === 'file' ? declaredIn : `SANDKEEPER_OIDC_${variable}`);
  const given = (field: (typeof defaults)[number], variable: string, value: string): Declared => ({
    value,
    from: defaults.includes(field) ? null : from(variable),
  });
  return {
    name,
    title: given('title', 'NAME', provider.title),
    issuer: { value: provider.issuer, from: from('ISSUER') },
    clientId: { value: provider.clientId, from: from('CLIENT_ID') },
    clientSecret:
      secretFrom === null
        ? { value: 'None: the client is public', from: declaredIn }
        : { value: 'Set', from: source === 'file' ? `${secretFrom} of ${declaredIn}` : secretFrom },
    scopes: given('scopes', 'SCOPES', provider.scopes),
    parameters: given('parameters', 'PARAMETERS', new URLSearchParams(parameters).toString()),
    groupsClaim: given('groupsClaim', 'GROUPS_CLAIM', provider.groupsClaim),
    grants: provider.grants,
    grantsFrom: from('GRANTS'),
    redirectUri: redirectUri(),
    afterSignOutUri: afterSignOutUri(),
    backChannelUri: backChannelUri(provider),
  };
}
