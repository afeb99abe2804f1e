import type { ReactNode } from 'react';
import { ErrorText } from '@/components/ui/field';
import { Mark } from '@/components/ui/mark';
import { type ConnectionKind, KIND_TITLES } from '@/lib/connection';

type Props = {
  /** The host under which people know this Sandkeeper. */
  host: string;
  kinds: readonly ConnectionKind[];
  /** Why the person is here again, and what to do. */
  problem: string | null;
  /** Buttons of the ways to sign in, the preferred first. */
  ways: readonly { key: string; way: ReactNode }[];
  /** The form of the sign-in link; `null` where it is switched off. */
  link: ReactNode;
  hasLink: boolean;
};

/** Which Sandkeeper this is, and the ways to sign in that are set up. Names of connections are not for everybody. */
export function SignInPage({ host, kinds, problem, ways, link, hasLink }: Props) {
  return (
    <SignInColumn>
      <div>
        <h1 className="font-semibold text-title">Sign in to Sandkeeper</h1>
        <p className="break-words text-ink-2">
          <span translate="no" className="font-medium text-ink">
            {host}
          </span>
          <br />
          {describeKinds(kinds)}
        </p>
      </div>
      {problem === null ? null : <ErrorText>{problem}</ErrorText>}
      {ways.length === 0 ? null : (
        <div className="flex flex-col gap-2">
          {ways.map(({ key, way }) => (
            <div key={key} className="flex flex-col">
              {way}
            </div>
          ))}
        </div>
      )}
      {ways.length > 0 && hasLink ? <Or /> : null}
      {hasLink ? (
        <p className="text-ink-2">Open the link that the server printed at its start, or enter its code.</p>
      ) : null}
      {ways.length === 0 && !hasLink ? (
        <p className="text-ink-2">
          No way to sign in is set up here. Whoever runs this server can print a link with{' '}
          <code translate="no" className="font-mono text-small">
            npm run sign-in-link
          </code>
          .
        </p>
      ) : null}
      {link}
    </SignInColumn>
  );
}

/** The narrow column of the pages before the sign-in. */
export function SignInColumn({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh items-center justify-center p-6">
      <div className="flex w-full max-w-sm flex-col gap-4">
        <Mark size={36} />
        {children}
      </div>
    </main>
  );
}

function Or() {
  return (
    <div aria-hidden className="flex items-center gap-3 text-ink-3 text-small">
      <span className="h-px flex-1 bg-line" />
      or
      <span className="h-px flex-1 bg-line" />
    </div>
  );
}

/** The number and kinds of the connections, such as `3 connections: Moru (2), Local engine`. */
export function describeKinds(kinds: readonly ConnectionKind[]): string {
  if (kinds.length === 0) return 'No connections yet';
  const counts = new Map<ConnectionKind, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const parts = [...counts].map(([kind, count]) =>
    count === 1 ? KIND_TITLES[kind] : `${KIND_TITLES[kind]} (${count})`,
  );
  return `${kinds.length === 1 ? '1 connection' : `${kinds.length} connections`}: ${parts.join(', ')}`;
}
