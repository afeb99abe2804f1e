import type { Encoding } from '@/lib/files/preview/text/encoding';
import type { Entry } from '@/lib/files/schema';

/** What every view of a file is given. */
export type PreviewProps = {
  sandboxId: string;
  entry: Entry;
  /** The file's first bytes. */
  head: Uint8Array;
  /** How its text is read; bytes that are no text are read as UTF-8, with a sign for each that is none. */
  encoding: Encoding;
  /** Its size now. */
  sizeBytes: number;
  /** Another one whenever the file has changed. */
  version: string;
  /** Whether the sandbox can be read; if not, what was read stays. */
  isLive: boolean;
  /** The line that is meant, from 1. */
  line: number | null;
  onLine: (line: number) => void;
  /** Shows the file as text or as bytes instead. */
  onInstead: (view: 'text' | 'hex') => void;
  wraps: boolean;
  onWrap: (wraps: boolean) => void;
};

/** What changes when the file does. */
export function versionOf({ sizeBytes, modifiedAtMs }: Pick<Entry, 'sizeBytes' | 'modifiedAtMs'>): string {
  return `${sizeBytes}-${modifiedAtMs}`;
}
