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

/** The filters of the access log, as in the URL. `null` means no filter. */
export type AccessSearch = CommonSearch & { kind: AccessKind | null };

/** No filters: every entry, newest first. */
export const WHOLE_ACCESS: AccessSearch = { ...WHOLE_RECORD, kind: null };

/** Parses the URL parameters. Ignores invalid ones. */
export function parseAccessSearch(read: ReadParameter): AccessSearch {
  return { ...parseCommon(read), kind: parseAccessKind(readText(read, 'kind')) };
}

/** The query string for a search, without the question mark. */
export function printAccessSearch(search: Partial<AccessSearch>): string {
  const whole = { ...WHOLE_ACCESS, ...search };
  const { by, kind, sandbox } = whole;
  return printParameters({ by, kind, sandbox, ...timeParameters(whole) });
}

/** Whether any filter is set. The page does not count. */
export function isAccessNarrowed(search: AccessSearch): boolean {
  return printAccessSearch({ ...search, before: null }) !== '';
}

/** Whether any entry can match. */
export function canAccessMatch({ by, sandbox }: AccessSearch): boolean {
  return !cannotBeIn(by) && !cannotBeIn(sandbox);
}
