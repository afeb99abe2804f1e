'use client';

import { useState } from 'react';

/**
 * The version of a file that an element shows: the latest, as long as it can be had. With `holds`, the first until
 * somebody asks for another. Answers it, whether there is another, and how to show that.
 */
export function useHeldVersion(
  version: string,
  isLive: boolean,
  { holds = false } = {},
): [shown: string, hasNews: boolean, showNews: () => void] {
  const [shown, setShown] = useState(version);
  if (!holds && isLive && shown !== version) setShown(version);
  return [shown, isLive && shown !== version, () => setShown(version)];
}
