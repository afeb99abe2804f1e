import type { Metadata } from 'next';
import { ProviderButton } from '@/components/access/provider-buttons';
import { SignInForm } from '@/components/access/sign-in-form';
import { SignInPage } from '@/components/access/sign-in-page';
import { SignedInAlready } from '@/components/access/signed-in-already';
import { currentSession } from '@/lib/access/guard';
import { signInProblem } from '@/lib/access/oidc/handlers';
import { ownUrl } from '@/lib/access/origin';
import { linkFieldOf } from '@/lib/access/sign-in';
import { LOCAL_ADMIN } from '@/lib/access/users';
import { config } from '@/lib/config';
import { shownConnections } from '@/lib/connections/registry';
import { ownPath } from '@/lib/paths';

export const metadata: Metadata = { title: 'Sign in' };

/** Addresses with a query are kept in logs and histories. */
const SECRET_IN_QUERY =
  'This link has its code or token in the query, where logs and histories keep it, so it is not accepted. Run “npm run sign-in-link” on the server to print a new link.';

export default async function SignIn({ searchParams }: PageProps<'/sign-in'>) {
  const { token, code, next } = await searchParams;
  const path = ownPath(next);
  const session = await currentSession();
  if (session) {
    const isLocalAdmin = session.userId === LOCAL_ADMIN.id;
    return <SignedInAlready actor={session.actor} isLocalAdmin={isLocalAdmin} next={path} />;
  }
  const field = linkFieldOf(config().signIn);
  return (
    <SignInPage
      host={new URL(ownUrl(config())).host}
      kinds={shownConnections().map(({ kind }) => kind)}
      problem={token === undefined && code === undefined ? await signInProblem() : SECRET_IN_QUERY}
      ways={config().oidc.providers.map(({ name, title }, index) => ({
        key: name,
        way: <ProviderButton provider={{ name, title }} next={path} isPrimary={index === 0} />,
      }))}
      link={<SignInForm field={field} next={path} />}
      hasLink={field !== null}
    />
  );
}
