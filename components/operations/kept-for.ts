import type { Sandbox } from '@/lib/sandbox/schema';

const MAX_NAMED = 8;

/**
 * The name under which the text of a dialog is kept across a reload. Text for some sandboxes never appears in the dialog for
 * others.
 */
export function keptFor(field: string, sandboxes: readonly Pick<Sandbox, 'key'>[]): string {
  const keys = sandboxes.map(({ key }) => key).sort();
  const named = keys.length <= MAX_NAMED ? keys : [...keys.slice(0, MAX_NAMED - 1), keys.at(-1), keys.length];
  return `${field} ${named.join(' ')}`;
}
