import type { Metadata } from 'next';
import { ConnectionsPage } from '@/components/connections/connections-page';
import { guardPage } from '@/lib/access/guard';
import { EVERYWHERE } from '@/lib/grants';
import { listConnectionFacts } from '@/lib/settings/read-connections';

export const metadata: Metadata = { title: 'Connections' };

export default async function SettingsConnectionsPage() {
  await guardPage('admin', EVERYWHERE);
  return <ConnectionsPage facts={listConnectionFacts()} />;
}
