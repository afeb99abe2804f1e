'use client';

import { useState } from 'react';
import { type PreviewKind, previewKindOf } from '@/lib/files/preview/kind';
import { detectEncoding, type Encoding } from '@/lib/files/preview/text/encoding';

type Head = { bytes: Uint8Array; sizeBytes: number };

type HeldKind = {
  /** The kind when the file was opened, or when it had its first content. `null`: not read yet. */
  kind: PreviewKind | null;
  encoding: Encoding;
  /** The kind of the present content, if it differs. */
  other: PreviewKind | null;
  takeOther: () => void;
};

/**
 * The kind of a file while it is open. It stays when the content changes, so that a log that is cut does not become a hex
 * dump under its reader.
 */
export function useHeldKind(name: string, head: Head | undefined): HeldKind {
  const [held, setHeld] = useState<{ kind: PreviewKind; encoding: Encoding | null; isEmpty: boolean } | null>(
    null,
  );
  const isWhole = head !== undefined && head.bytes.length >= head.sizeBytes;
  const now =
    head === undefined
      ? null
      : {
          kind: previewKindOf(name, head.bytes, isWhole),
          encoding: detectEncoding(head.bytes, { isWhole }),
          isEmpty: head.bytes.length === 0,
        };
  const isFirst = now !== null && (held === null || (held.isEmpty && !now.isEmpty));
  if (isFirst) setHeld(now);
  // Binary data has no encoding of its own.
  else if (now !== null && held !== null && !now.isEmpty && (now.encoding ?? held.encoding) !== held.encoding)
    setHeld({ ...held, encoding: now.encoding });
  const shown = isFirst ? now : held;
  return {
    kind: shown?.kind ?? null,
    encoding: shown?.encoding ?? 'utf-8',
    other: now !== null && shown !== null && !now.isEmpty && now.kind !== shown.kind ? now.kind : null,
    takeOther: () => setHeld(now),
  };
}
