'use client';

import { useEffect, useState } from 'react';
import { NO_OUTPUT, type OutputText, withPiece } from '@/lib/commands/schema';
import { liveSocket } from '@/lib/live/socket';
import { type AttachmentEvent, type ProcessRequest, processKey } from '@/lib/processes/schema';

export type AttachmentNow = {
  phase: 'joining' | 'attached' | 'waiting' | 'ended' | 'refused';
  /** Start of the shown output, by the server's clock. */
  sinceMs: number | null;
  /** When following continued after an interruption, by the server's clock. */
  continuedMs: number | null;
  text: OutputText;
  /** How the process ended, or the reason why it is not followed. */
  words: string | null;
};

const JOINING: AttachmentNow = {
  phase: 'joining',
  sinceMs: null,
  continuedMs: null,
  text: NO_OUTPUT,
  words: null,
};

/** Follows the output of a process. Use a `key` to switch to another process. */
export function useAttachment({ sandboxKey, pid, mark }: ProcessRequest): AttachmentNow {
  const [now, setNow] = useState(JOINING);
  const key = processKey({ sandboxKey, pid, mark });
  useEffect(
    () =>
      liveSocket().subscribe(
        'process',
        {
          onEvent: (payload) => setNow((before) => advance(before, payload as AttachmentEvent)),
          onGap: () => {},
        },
        key,
      ),
    [key],
  );
  return now;
}

function advance(before: AttachmentNow, event: AttachmentEvent): AttachmentNow {
  // After a reconnect, the server would report that an ended process does not exist.
  if (before.phase === 'ended') return before;
  switch (event.kind) {
    case 'output':
      return {
        phase: 'attached',
        sinceMs: event.sinceMs,
        continuedMs: event.continuedMs,
        text: event.text,
        words: null,
      };
    case 'waiting':
      return { ...before, phase: 'waiting', words: event.words };
    case 'more':
      return { ...before, text: withPiece(before.text, event.text) };
    case 'ended':
      return { ...before, phase: 'ended', words: event.words };
    case 'refused':
      return { ...before, phase: 'refused', words: event.message };
  }
}
