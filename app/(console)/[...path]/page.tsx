import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { ANYWHERE } from '@/lib/access/grants';
import { guardPage } from '@/lib/access/guard';

export const metadata: Metadata = { title: 'Page not found' };

/** Every address without a page, so that its answer keeps the header. */
export default async function UnknownPage() {
  await guardPage('viewer', ANYWHERE);
  notFound();
}
