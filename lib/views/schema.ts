import { z } from 'zod';
import { plainText } from '../sandbox/plain-text';

const MAX_VIEW_NAME_CHARS = 60;
/** With the rest of a request it stays below what servers take in one line. */
const MAX_QUERY_CHARS = 12_000;
/** Of the fleet's URL. Everything else in a query is dropped. */
const KEPT_PARAMETERS = ['q', 'sort', 'cols'] as const;

/** A filter with its sort order and columns, saved under a name. */
export type SavedView = {
  id: string;
  name: string;
  /** The query of the fleet's URL, without the `?`. */
  query: string;
  /** Whether everybody sees it. */
  isShared: boolean;
  owner: string;
  /** Whether the person who asks may change it. */
  isMine: boolean;
  /** Whether it is the start page of the person who asks. */
  isStart: boolean;
};

const ViewName = plainText('A name', MAX_VIEW_NAME_CHARS).trim().min(1, 'Enter a name.');

/** Keeps the parts of a query that make a view. */
const ViewQuery = z
  .string()
  .max(MAX_QUERY_CHARS, 'This filter is too long to save.')
  .transform((text) => {
    const given = new URLSearchParams(text);
    const kept = KEPT_PARAMETERS.flatMap((name) => {
      const value = given.get(name);
      return value === null || value === '' ? [] : [[name, value]];
    });
    return new URLSearchParams(kept).toString();
  });

export const SaveViewInput = z.strictObject({ name: ViewName, query: ViewQuery, isShared: z.boolean() });
export const ViewId = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'This view does not exist.'),
});
export const RenameViewInput = ViewId.extend({ name: ViewName });
/** `null`: the whole fleet. */
export const StartViewInput = z.strictObject({ id: ViewId.shape.id.nullable() });
