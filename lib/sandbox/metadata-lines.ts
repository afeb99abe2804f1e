import { metadataFrom } from './metadata';
import type { Metadata } from './schema';

export const MAX_METADATA_KEYS = 64;

/** Parses metadata with one `key=value` per line. Splits at the first `=` and trims both sides. */
export function parseMetadataLines(
  text: string,
): { ok: true; value: Metadata } | { ok: false; message: string } {
  const entries = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(at, 0)).trim();
    if (at < 0 || key === '')
      return { ok: false, message: `Line ${index + 1} is not key=value: ${line.trim().slice(0, 60)}` };
    if (entries.has(key)) return { ok: false, message: `Line ${index + 1} repeats the key ${key}.` };
    entries.set(key, line.slice(at + 1).trim());
  }
  if (entries.size > MAX_METADATA_KEYS)
    return { ok: false, message: `Use at most ${MAX_METADATA_KEYS} keys, not ${entries.size}.` };
  return { ok: true, value: metadataFrom(entries) };
}
