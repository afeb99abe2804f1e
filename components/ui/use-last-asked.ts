'use client';

import { useState } from 'react';

/** What was asked last, so that a dialog still shows it while it goes; `null` as long as nothing was. */
export function useLastAsked<Asked>(asked: Asked | null): Asked | null {
  const [last, setLast] = useState(asked);
  if (asked !== null && asked !== last) setLast(() => asked);
  return asked ?? last;
}
