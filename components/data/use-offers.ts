'use client';

import { useEffect, useRef } from 'react';
import { type Command, commandOffers } from '@/lib/palette/offers';

/**
 * Offers commands to the palette while the component is mounted. `offer` is called only while the palette is open,
 * and sees the values of the last rendering.
 */
export function useOffers(offer: () => readonly Command[]): void {
  const latest = useRef(offer);
  useEffect(() => {
    latest.current = offer;
    commandOffers().changed();
  });
  useEffect(() => commandOffers().add(() => latest.current()), []);
}
