'use client';

import { useEffect, useRef } from 'react';
import { type Command, commandOffers } from '@/lib/palette/offers';

/**
 * Offers commands to the palette for as long as the component is there. `offer` is called when the palette shows
 * anything, with what the component knew when it was last drawn, and never while the palette is closed.
 */
export function useOffers(offer: () => readonly Command[]): void {
  const latest = useRef(offer);
  // The palette is outside of the page. While it is closed, nobody listens.
  useEffect(() => {
    latest.current = offer;
    commandOffers().changed();
  });
  useEffect(() => commandOffers().add(() => latest.current()), []);
}
