/** `start` and `end` are inclusive. `outside`: not satisfiable. */
export type RequestedRange = { start: number; end: number } | 'whole' | 'outside';

/** Parses a `Range` header. Multiple ranges, other units, invalid values and empty files give the whole file (RFC 9110). */
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
