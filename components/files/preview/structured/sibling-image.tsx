'use client';

import { createContext, use, useState } from 'react';
import { Visible } from '@/components/ui/visible-text';
import { fileAddresses } from '@/lib/files/addresses';
import { siblingImage } from '@/lib/files/preview/structured/sibling-image';
import { visibleText } from '@/lib/visible-text';
import type { PreviewProps } from '../preview-props';

type Place = Pick<PreviewProps, 'sandboxKey' | 'entry' | 'version'>;

const PlaceContext = createContext<Place | null>(null);

/** The document whose images `SiblingImage` finds. */
export const ImagePlace = PlaceContext.Provider;

type Props = { alt: string; source: string };

/** An image that a document names. Shown if it is a file of the same sandbox; nothing is loaded from elsewhere. */
export function SiblingImage({ alt, source }: Props) {
  const place = use(PlaceContext);
  const path = place === null ? null : siblingImage(source, place.entry.path);
  // The image may be written after the document, which then changes.
  const key = `${place?.version} ${source}`;
  const [broken, setBroken] = useState<string | null>(null);
  if (place === null || path === null) return <NotShown alt={alt} source={source} reason="not loaded" />;
  if (broken === key) return <NotShown alt={alt} source={source} reason="not found or not an image" />;
  // What was loaded stays, as the rest of the document does.
  return (
    // In `<img>`, an SVG cannot run scripts or load resources.
    // biome-ignore lint/performance/noImgElement: the original bytes must be shown.
    <img
      alt={visibleText(alt)}
      title={visibleText(path)}
      src={fileAddresses.content(place.sandboxKey, path, 'image', place.version)}
      loading="lazy"
      decoding="async"
      draggable={false}
      onError={() => setBroken(key)}
      className="my-1 inline-block max-h-[70vh] max-w-full"
    />
  );
}

function NotShown({ alt, source, reason }: Props & { reason: string }) {
  return (
    <span className="rounded-sm border border-line px-1.5 text-ink-2 text-small" title={visibleText(source)}>
      Image{alt ? ': ' : ''}
      <Visible text={alt} /> ({reason})
    </span>
  );
}
