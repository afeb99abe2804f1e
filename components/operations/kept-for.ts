import type { Sandbox } from '@/lib/sandbox/schema';

const MAX_NAMED = 8;

/**
 * The name under which the text of a dialog is kept across a reload. Text for some sandboxes never appears in the dialog for
 * others.
 */
export function keptFor(field: string, sandboxes: readonly Pick<Sandbox, 'id'>[]): string {
  const ids = sandboxes.map(({ id }) => id).sort();
  const named = ids.length <= MAX_NAMED ? ids : [...ids.slice(0, MAX_NAMED - 1), ids.at(-1), ids.length];
  return `${field} ${named.join(' ')}`;
}
