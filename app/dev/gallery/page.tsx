import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { Gallery } from './gallery';

export const metadata: Metadata = { title: 'Gallery' };

/** Every primitive in every state, for eyes and visual tests. In development only; needs no role, as it shows no data. */
export default function GalleryPage() {
  if (process.env.NODE_ENV === 'production') notFound();
  return <Gallery />;
}
