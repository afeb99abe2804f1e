import type { ConnectionName } from '@/lib/sandbox-key';

/** None of them is red, amber or green, which stand for states and danger. */
export const HUES = 5;

/**
 * The number of the colour of a connection, from 0. Its name decides, so that it stays the same; of two that would have
 * the same colour the later one takes the next.
 */
export function connectionHue(name: ConnectionName, names: readonly ConnectionName[]): number {
  const taken = new Set<number>();
  for (const other of names) {
    const hue = freeHue(other, taken);
    if (other === name) return hue;
    taken.add(hue);
    if (taken.size === HUES) taken.clear();
  }
  return freeHue(name, taken);
}

function freeHue(name: ConnectionName, taken: ReadonlySet<number>): number {
  let hue = 0;
  for (const char of name) hue = (hue * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  hue %= HUES;
  while (taken.has(hue)) hue = (hue + 1) % HUES;
  return hue;
}
