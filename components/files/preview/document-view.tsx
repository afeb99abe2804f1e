'use client';

import { fileAddresses } from '@/lib/files/addresses';
import { visibleText } from '@/lib/sandbox/visible-name';
import type { PreviewProps } from './preview-props';
import { NewsStrip } from './preview-state';
import { useHeldVersion } from './use-held-version';

/** A PDF, in a frame, by the browser's own viewer. */
export function DocumentView({ sandboxId, entry, version, isLive }: PreviewProps) {
  const [shown, hasNews, showNews] = useHeldVersion(version, isLive, { holds: true });
  return (
    <>
      {hasNews ? <NewsStrip onShow={showNews} /> : null}
      <iframe
        key={shown}
        title={`Document ${visibleText(entry.name)}`}
        src={fileAddresses.content(sandboxId, entry.path, 'pdf', shown)}
        referrerPolicy="no-referrer"
        className="min-h-0 w-full flex-1 border-0"
      />
    </>
  );
}
