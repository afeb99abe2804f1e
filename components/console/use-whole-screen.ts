'use client';

import { useEffect, useState } from 'react';

/** Whether the room takes the whole screen. The document does, so that dialogs are still seen above it. */
export function useWholeScreen(): { isWhole: boolean; toggleWhole: () => void } {
  const [isWhole, setIsWhole] = useState(false);
  useEffect(() => {
    const onChange = () => {
      if (document.fullscreenElement === null) setIsWhole(false);
    };
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, []);
  function toggleWhole() {
    setIsWhole(!isWhole);
    // Where the browser does not allow it, the room fills the page at least.
    if (isWhole) void document.exitFullscreen?.().catch(() => {});
    else void document.documentElement.requestFullscreen?.().catch(() => {});
  }
  return { isWhole, toggleWhole };
}
