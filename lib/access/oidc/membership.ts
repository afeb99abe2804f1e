import 'server-only';
import { config } from '../../config';
import type { Membership } from './membership-state';
import { endSessionUrl, findProvider, ProviderError } from './provider';
import { findProviderSession } from './provider-sessions';

/** Whether the provider that opened the session still confirms it. `null` for a session opened in another way. */
export async function membershipOf(sessionId: string): Promise<Membership | null> {
  const { providers, checkMs } = config().oidc;
  if (providers.length === 0) return null;
  const session = await findProviderSession(sessionId);
  const provider = session && findProvider(session.provider);
  if (!session || !provider) return null;
  return {
    provider: provider.name,
    title: provider.title,
    problem: session.problem,
    checkedAtMs: session.checkedAtMs,
    endsAtMs: session.checkedAtMs + checkMs,
  };
}

/** Where the person of a session signs out at its provider, or `null`. A provider that is down does not keep them here. */
export async function signOutUrl(sessionId: string): Promise<string | null> {
  const session = await findProviderSession(sessionId);
  const provider = session && findProvider(session.provider);
  if (!session || !provider) return null;
  try {
    return await endSessionUrl(provider, session.tokens?.idToken ?? null);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    console.warn(`The sign-out at ${provider.name} was left out: ${error.failure.log}`);
    return null;
  }
}
