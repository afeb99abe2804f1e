'use client';

import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { fileAddresses } from '@/lib/files/addresses';
import { visibleText } from '@/lib/visible-text';
import type { PreviewProps } from '../preview-props';
import { NewsStrip, PreviewNotice } from '../preview-state';

export function AudioView(props: PreviewProps) {
  return <Media {...props} isVideo={false} />;
}

export function VideoView(props: PreviewProps) {
  return <Media {...props} isVideo />;
}

function Media({
  sandboxKey,
  entry,
  version,
  isLive,
  onInstead,
  isVideo,
}: PreviewProps & { isVideo: boolean }) {
  const [shown, hasNews, showNews] = useHeldVersion(version, isLive, { holds: true });
  const [broken, setBroken] = useState<string | null>(null);
  const element = {
    key: shown,
    src: fileAddresses.content(sandboxKey, entry.path, 'media', shown),
    'aria-label': visibleText(entry.name),
    controls: true,
    preload: 'metadata',
    onError: () => setBroken(shown),
    // Catches an error from before the element was mounted.
    ref: (made: HTMLMediaElement | null) => {
      if (made?.error) setBroken(shown);
    },
  } as const;
  return (
    <>
      {hasNews ? <NewsStrip onShow={showNews} /> : null}
      {broken === shown ? (
        <PreviewNotice
          title="The browser cannot play this file"
          acts={<Button onClick={() => onInstead('hex')}>Show as hex</Button>}
        >
          <p>The file may be damaged, still being written, or in an unsupported format.</p>
        </PreviewNotice>
      ) : (
        <div className="flex min-h-0 flex-1 items-center justify-center overflow-auto p-5">
          {/* biome-ignore-start lint/a11y/useMediaCaption: the files have no captions. */}
          {isVideo ? (
            <video {...element} key={element.key} className="max-h-full max-w-full" />
          ) : (
            <audio {...element} key={element.key} className="w-full max-w-xl" />
          )}
          {/* biome-ignore-end lint/a11y/useMediaCaption: end. */}
        </div>
      )}
    </>
  );
}

/** A PDF in the browser's own viewer. */
export function DocumentView({ sandboxKey, entry, version, isLive }: PreviewProps) {
  const [shown, hasNews, showNews] = useHeldVersion(version, isLive, { holds: true });
  return (
    <>
      {hasNews ? <NewsStrip onShow={showNews} /> : null}
      <iframe
        key={shown}
        title={`Document ${visibleText(entry.name)}`}
        src={fileAddresses.content(sandboxKey, entry.path, 'pdf', shown)}
        referrerPolicy="no-referrer"
        className="min-h-0 w-full flex-1 border-0"
      />
    </>
  );
}

/**
 * The version of a file to show: the latest, or with `holds` the first until `showNews`. Also returns whether there is a
 * newer version.
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
