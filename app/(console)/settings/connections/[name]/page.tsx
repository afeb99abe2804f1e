import type { Metadata } from 'next';
import { ConnectionPage } from '@/components/connections/connection-page';
import { UnknownConnection } from '@/components/connections/unknown-connection';
import { guardPage } from '@/lib/access/guard';
import { EVERYWHERE, mayIn } from '@/lib/grants';
import { compatibilityOf, findConnectionFacts } from '@/lib/settings/read-connections';

export const metadata: Metadata = { title: 'Connection' };

export default async function SettingsConnectionPage({ params }: PageProps<'/settings/connections/[name]'>) {
  const { grants } = await guardPage(
    'operator',
    params.then(({ name }) => ({ connection: name })),
  );
  const facts = findConnectionFacts((await params).name);
  if (facts === null) return <UnknownConnection />;
  return (
    <ConnectionPage
      facts={facts}
      compatibility={compatibilityOf(facts)}
      canChange={mayIn(grants, 'admin', EVERYWHERE)}
    />
  );
}
