import {
  type CommonSearch,
  cannotBeIn,
  parseCommon,
  printParameters,
  type ReadParameter,
  readText,
  timeParameters,
  WHOLE_RECORD,
} from '../record-search';
import { type AccessKind, parseAccessKind } from './audit-schema';

/** What narrows the record of access down, as it stands in the address; `null` narrows nothing. */
export type AccessSearch = CommonSearch & { kind: AccessKind | null };

/** Nothing asked for: all of it, from the newest on. */
export const WHOLE_ACCESS: AccessSearch = { ...WHOLE_RECORD, kind: null };

/** What the parameters of the address ask for. What cannot be read is left out. */
export function parseAccessSearch(read: ReadParameter): AccessSearch {
  return { ...parseCommon(read), kind: parseAccessKind(readText(read, 'kind')) };
}

/** The search of an address that asks for this, without its question mark. */
export function printAccessSearch(search: Partial<AccessSearch>): string {
  const whole = { ...WHOLE_ACCESS, ...search };
  const { by, kind, sandbox } = whole;
  return printParameters({ by, kind, sandbox, ...timeParameters(whole) });
}

/** Whether anything is left out, apart from newer pages. */
export function isAccessNarrowed(search: AccessSearch): boolean {
  return printAccessSearch({ ...search, before: null }) !== '';
}

/** Whether anything can match at all. */
export function canAccessMatch({ by, sandbox }: AccessSearch): boolean {
  return !cannotBeIn(by) && !cannotBeIn(sandbox);
}
