import { z } from 'zod';
import { visibleText } from '../../visible-text';

/** A file system stores names of at most 255 bytes. */
const MAX_NAME_BYTES = 255;

/** A name that a person gives to an entry. Names with invisible characters are refused, because nobody could tell them. */
export const EntryName = z
  .string()
  .min(1, 'Enter a name.')
  .refine((name) => !name.includes('/'), 'A name holds no "/".')
  .refine((name) => name !== '.' && name !== '..', 'This name has a meaning of its own.')
  .refine((name) => visibleText(name) === name, 'Remove spaces at the ends and invisible characters.')
  .refine((name) => new TextEncoder().encode(name).length <= MAX_NAME_BYTES, 'This name is too long.');

/** Why nobody may rename or delete the entry at `path`, or `null`. The permissions of the sandbox apply as well. */
export function changeRefusal(path: string): string | null {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) return 'The path leads through "..".';
  return names.length < 2 ? 'The sandbox needs its folders at the top.' : null;
}
