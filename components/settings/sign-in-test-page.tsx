'use client';

import Link from 'next/link';
import { Fact, FactList } from '@/components/ui/fact-list';
import { LocalTime } from '@/components/ui/local-time';
import { Notice, NoticeColumn } from '@/components/ui/notice';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { Strip } from '@/components/ui/strip';
import { Visible } from '@/components/ui/visible-text';
import type { SignInTest } from '@/lib/access/oidc/sign-in-test-result';
import { paths } from '@/lib/paths';
import { describePlaces } from './grants-table';

/** What the test of a sign-in found. `null` if the result is gone. */
export function SignInTestPage({ test }: { test: SignInTest | null }) {
  return (
    <main className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <SettingsHeading
        above={
          <Link href={paths.signInSettings()} className="hover:text-ink">
            Sign-in
          </Link>
        }
        title="Test of a sign-in"
      />
      {test === null ? <NoResult /> : <Result test={test} />}
    </main>
  );
}

function NoResult() {
  return (
    <NoticeColumn>
      <Notice level="h2" title="This result is gone">
        Results are kept for ten minutes, for the person who tested.{' '}
        <Link href={paths.signInSettings()} className="text-accent underline">
          Test the sign-in again
        </Link>
        .
      </Notice>
    </NoticeColumn>
  );
}

function Result({ test }: { test: SignInTest }) {
  const { title, atMs, account, problem, claims, groups, moreGroups, groupsClaim, abilities } = test;
  return (
    <>
      {problem === null ? (
        <Strip tone="plain">This account can sign in. Your own session has not changed.</Strip>
      ) : (
        <Strip>
          <span className="font-medium">This account cannot sign in.</span>{' '}
          <Visible text={problem} shape="block" />
        </Strip>
      )}
      <PanelBoundary what="result">
        <div className="grid gap-5 p-5 lg:grid-cols-2">
          <div className="grid min-w-0 content-start gap-5">
            <FactList title="Account">
              <Fact name="Provider">
                <Visible text={title} />
              </Fact>
              {account === null ? null : (
                <>
                  <Fact name="Name">
                    <Visible text={account.name} />
                  </Fact>
                  <Fact name="Email">
                    {account.email === null ? 'None, or not verified' : <Visible text={account.email} />}
                  </Fact>
                  <Fact name="Subject">
                    <Visible text={account.subject} className="break-all font-mono text-small" />
                  </Fact>
                </>
              )}
              <Fact name="Tested">
                <LocalTime ms={atMs} />
              </Fact>
            </FactList>
            {abilities.length === 0 ? null : (
              <FactList title="After the sign-in">
                {abilities.map(({ name, text, isMissing }) => (
                  <Fact key={name} name={name}>
                    <Visible text={text} className={isMissing ? 'break-words text-ink-2' : 'break-words'} />
                  </Fact>
                ))}
              </FactList>
            )}
          </div>
          {account === null ? null : (
            <div className="grid min-w-0 content-start gap-5">
              <Rows
                title="Groups"
                columns={['Group', 'Gives']}
                empty={`No group was found in ${groupsClaim}.`}
              >
                {groups.map(({ name, grants }) => ({
                  key: name,
                  name,
                  value:
                    grants.length === 0
                      ? 'Nothing'
                      : grants
                          .map(({ role, on }) => `${role} on ${describePlaces(on).toLowerCase()}`)
                          .join('; '),
                  isQuiet: grants.length === 0,
                }))}
              </Rows>
              {moreGroups > 0 ? (
                <p className="text-ink-3 text-small">and {moreGroups.toLocaleString('en')} more groups</p>
              ) : null}
              <Rows title="Claims" columns={['Claim', 'Value']} empty="The provider sent no claims.">
                {claims.map(({ name, value }) => ({ key: name, name, value, isMono: true }))}
              </Rows>
            </div>
          )}
        </div>
      </PanelBoundary>
    </>
  );
}

type Row = { key: string; name: string; value: string; isQuiet?: boolean; isMono?: boolean };
type RowsProps = {
  title: string;
  columns: readonly [string, string];
  empty: string;
  children: readonly Row[];
};

/** A table of names and values, both untrusted. */
function Rows({ title, columns: [first, second], empty, children: rows }: RowsProps) {
  return (
    <section aria-label={title} className="overflow-hidden rounded-md border border-line bg-surface">
      <h2 className="border-line border-b px-4 py-2 font-semibold">{title}</h2>
      {rows.length === 0 ? (
        <p className="px-4 py-3 text-ink-2">
          <Visible text={empty} />
        </p>
      ) : (
        <table className="w-full table-fixed text-left">
          <thead className="text-ink-2 text-small">
            <tr>
              <th className="w-2/5 px-4 py-1.5 font-normal">{first}</th>
              <th className="px-2 py-1.5 font-normal">{second}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, name, value, isQuiet = false, isMono = false }) => (
              <tr key={key} className="border-line-soft border-t align-top">
                <th scope="row" className="px-4 py-1.5 font-normal [overflow-wrap:anywhere]">
                  <Visible text={name} />
                </th>
                <td className="px-2 py-1.5 [overflow-wrap:anywhere]">
                  <Visible
                    text={value}
                    className={isMono ? 'font-mono text-small' : isQuiet ? 'text-ink-3' : undefined}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
