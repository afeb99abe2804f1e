import type { Encoding } from '@/lib/files/preview/text/encoding';
import type { Entry } from '@/lib/files/schema';
import type { SandboxKey } from '@/lib/sandbox-key';

export type PreviewProps = {
  sandboxKey: SandboxKey;
  entry: Entry;
  head: Uint8Array;
  /** UTF-8 for binary data. */
  encoding: Encoding;
  sizeBytes: number;
  /** Changes with the file. */
  version: string;
  /** Whether the sandbox can be read. If not, the last known content stays. */
  isLive: boolean;
  /** From 1. */
  line: number | null;
  onLine: (line: number) => void;
  onInstead: (view: 'text' | 'hex') => void;
  wraps: boolean;
  onWrap: (wraps: boolean) => void;
};

export function versionOf({ sizeBytes, modifiedAtMs }: Pick<Entry, 'sizeBytes' | 'modifiedAtMs'>): string {
  return `${sizeBytes}-${modifiedAtMs}`;
}
