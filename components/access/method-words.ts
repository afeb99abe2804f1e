import type { SignInMethod } from '@/lib/access/sessions';

/** How somebody signed in, as a session says. */
export const METHOD_WORDS = {
  link: 'Signed in with a sign-in link',
  token: 'Signed in with the fixed token',
  oidc: 'Signed in with single sign-on',
} satisfies Record<SignInMethod, string>;
