import type { GroupGrant } from '../declared-providers';

/** A value of the configuration, and where it comes from: a variable, a file, or `null` for the default. */
export type Declared = { value: string; from: string | null };

/** A provider as the settings show it. Nothing of it is secret. */
export type ProviderFacts = {
  name: string;
  title: Declared;
  issuer: Declared;
  clientId: Declared;
  /** Whether there is a client secret, in words. */
  clientSecret: Declared;
  scopes: Declared;
  parameters: Declared;
  groupsClaim: Declared;
  grants: GroupGrant[];
  grantsFrom: string;
  /** The addresses that the provider has to know. */
  redirectUri: string;
  afterSignOutUri: string;
  backChannelUri: string;
};

export type SignInFacts = {
  providers: ProviderFacts[];
  checkSeconds: Declared;
  clockSeconds: Declared;
  /** The redirect URI of a provider that is still to be set up. */
  redirectUri: string;
};
