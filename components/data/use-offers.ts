'use client';

import { useEffect, useRef } from 'react';
import { type Command, commandOffers } from '@/lib/palette/offers';

/**
 * Offers commands to the palette while the component is mounted. `offer` is called only while the palette is open,
 * and sees the values of the last rendering. A page whose parts offer commands as well puts its own before theirs.
 */
export function useOffers(offer: () => readonly Command[], { isFirst = false } = {}): void {
  const latest = useRef(offer);
  useEffect(() => {
    latest.current = offer;
    commandOffers().changed();
  });
  useEffect(() => commandOffers().add(() => latest.current(), isFirst), [isFirst]);
}
