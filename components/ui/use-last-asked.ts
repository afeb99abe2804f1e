'use client';

import { useState } from 'react';

/** The last value that was not `null`, so that a dialog keeps its content while it closes. */
export function useLastAsked<Asked>(asked: Asked | null): Asked | null {
  const [last, setLast] = useState(asked);
  if (asked !== null && asked !== last) setLast(() => asked);
  return asked ?? last;
}
