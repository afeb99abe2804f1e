/** Both ends inclusive. */
export type ByteRange = { readonly start: number; readonly end: number };

/** More ranges get the whole file. */
const MAX_RANGES = 256;

/**
 * Parses a `Range` header like Go's file server, which envd uses: one malformed range makes the header `unsatisfiable`
 * (416), and a file that is empty or smaller than its ranges is sent `whole`.
 */
export function readRanges(
  header: string | undefined,
  sizeBytes: number,
): ByteRange[] | 'whole' | 'unsatisfiable' {
  if (header === undefined) return 'whole';
  const list = /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (list === undefined) return 'unsatisfiable';
  const texts = list.split(',').map((text) => text.trim());
  const parsed = texts.filter((text) => text !== '').map((text) => readRange(text, sizeBytes));
  if (parsed.includes('malformed')) return 'unsatisfiable';
  const ranges = parsed.filter((range) => typeof range === 'object');
  if (parsed.length > 0 && ranges.length === 0) return sizeBytes === 0 ? 'whole' : 'unsatisfiable';
  const totalBytes = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  if (ranges.length === 0 || ranges.length > MAX_RANGES || totalBytes > sizeBytes) return 'whole';
  return ranges;
}

function readRange(text: string, sizeBytes: number): ByteRange | 'malformed' | 'outside' {
  const match = /^(\d*)\s*-\s*(\d*)$/.exec(text);
  const [, first = '', last = ''] = match ?? [];
  if (!match || (first === '' && last === '')) return 'malformed';
  if (first === '') {
    const start = Math.max(0, sizeBytes - Number(last));
    return Number(last) === 0 || sizeBytes === 0 ? 'outside' : { start, end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'malformed';
  if (start >= sizeBytes) return 'outside';
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}
