/** What a `Range` header asks of a file: bytes with both ends included, all of them, or some that are not there. */
export type RequestedRange = { start: number; end: number } | 'whole' | 'outside';

/**
 * Reads a `Range` header. Several ranges at once, other units and what cannot be read are answered with the whole file,
 * as RFC 9110 allows. So is an empty file: it has no bytes to be told apart.
 */
export function readRange(header: string | null | undefined, sizeBytes: number): RequestedRange {
  const [, first = '', last = ''] = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/.exec(header ?? '') ?? [];
  if (sizeBytes === 0 || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const start = Math.max(0, sizeBytes - Number(last));
    return start < sizeBytes ? { start, end: sizeBytes - 1 } : 'outside';
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return 'whole';
  return start < sizeBytes ? { start, end } : 'outside';
}
