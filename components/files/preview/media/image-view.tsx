'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { fileAddresses } from '@/lib/files/addresses';
import { visibleText } from '@/lib/visible-text';
import type { PreviewProps } from '../preview-props';
import { PreviewNotice } from '../preview-state';
import { BarToggle, ViewControls } from '../view-controls';
import { useHeldVersion } from './media-view';

/** An image. In `<img>`, an SVG cannot run scripts or load resources. */
export function ImageView({ sandboxKey, entry, version, isLive, onInstead }: PreviewProps) {
  const [shown] = useHeldVersion(version, isLive);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [broken, setBroken] = useState<string | null>(null);
  const [isActual, setIsActual] = useState(false);
  if (broken === shown)
    return (
      <PreviewNotice
        title="The browser cannot show this image"
        acts={<Button onClick={() => onInstead('hex')}>Show as hex</Button>}
      >
        <p>The file may be damaged or still being written.</p>
      </PreviewNotice>
    );
  return (
    <>
      <ViewControls>
        <BarToggle isOn={isActual} onToggle={() => setIsActual(!isActual)} title="Show at 100%">
          Actual size
        </BarToggle>
      </ViewControls>
      <div
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable by keyboard.
        tabIndex={0}
        role="group"
        aria-label="Image"
        className="checkered flex min-h-0 flex-1 overflow-auto p-5"
      >
        {/* biome-ignore lint/performance/noImgElement: the original bytes must be shown. */}
        <img
          alt={visibleText(entry.name)}
          src={fileAddresses.content(sandboxKey, entry.path, 'image', shown)}
          draggable={false}
          onLoad={({ currentTarget }) =>
            setSize({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
          }
          onError={() => setBroken(shown)}
          className={isActual ? 'm-auto max-w-none' : 'm-auto max-h-full min-w-0 max-w-full object-contain'}
        />
      </div>
      <footer className="flex h-7 shrink-0 items-center border-line border-t px-5 text-ink-3 text-small">
        {size === null
          ? 'Reading…'
          : size.width === 0
            ? 'No intrinsic size'
            : `${size.width} × ${size.height} pixels`}
      </footer>
    </>
  );
}
