import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { guardPage } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';

export const metadata: Metadata = { title: 'Page not found' };

/** Every address without a page, so that its answer keeps the header. */
export default async function UnknownPage() {
  await guardPage('viewer', ANYWHERE);
  notFound();
}
