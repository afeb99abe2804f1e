import type { Metadata } from 'next';
import { ConnectionsPage } from '@/components/connections/connections-page';
import { EVERYWHERE } from '@/lib/access/grants';
import { guardPage } from '@/lib/access/guard';
import { listConnectionFacts } from '@/lib/settings/read-connections';

export const metadata: Metadata = { title: 'Connections' };

export default async function SettingsConnectionsPage() {
  await guardPage('admin', EVERYWHERE);
  return <ConnectionsPage facts={listConnectionFacts()} />;
}
