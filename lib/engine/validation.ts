import { z } from 'zod';
import { ApiError } from './http';
import { stringMap } from './string-map';

/** Schemas whose error messages name the expected value. */
export const expect = {
  integer(min: number, max?: number) {
    const error =
      max === undefined
        ? `expected a whole number, ${min} or more`
        : `expected a whole number from ${min} to ${max}`;
    const schema = z.number({ error }).int({ error }).min(min, { error });
    return max === undefined ? schema : schema.max(max, { error });
  },
  text() {
    return z.string({ error: 'expected a string' });
  },
  flag() {
    return z.boolean({ error: 'expected true or false' });
  },
  textMap() {
    return stringMap();
  },
  textList() {
    return z.array(z.string({ error: 'expected a string' }), { error: 'expected a list of strings' });
  },
};

/**
 * An object of a request. A name that is not in `shape` is refused: a field that this engine ignored would be a request that
 * it has not carried out.
 */
export function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: 'expected a JSON object' });
}

/**
 * Parses a value with `schema`.
 * @throws ApiError 400 `validation error: <field>: <expectation>` (docs/protocol.md#request-validation).
 */
export function validate<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') throw invalid([...path, issue.keys[0]].join('.'), UNKNOWN);
  throw invalid(path.join('.') || 'request body', issue?.message ?? 'invalid');
}

const UNKNOWN = 'the local engine knows no such name here and ignores nothing';

/** @throws ApiError 400 that names a parameter outside `known`. */
export function requireKnownParameters(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) if (!known.includes(name)) throw invalid(name, UNKNOWN);
}

export function invalid(field: string, expectation: string): ApiError {
  return new ApiError(400, `validation error: ${field}: ${expectation}`);
}

/**
 * Reads an integer from a query.
 * @returns undefined if the parameter is absent.
 * @throws ApiError 400 if it is not an integer or out of bounds.
 */
export function queryInteger(
  query: URLSearchParams,
  name: string,
  bounds: { min: number; max?: number },
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const parsed = expect
    .integer(bounds.min, bounds.max)
    .safeParse(/^-?\d+$/.test(text) ? Number(text) : undefined);
  if (parsed.success) return parsed.data;
  throw invalid(name, parsed.error.issues[0]?.message ?? 'invalid');
}

/** Reads `true` or `false` from a query. @returns undefined if the parameter is absent. @throws ApiError 400. */
export function queryFlag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (text !== 'true' && text !== 'false') throw invalid(name, 'expected true or false');
  return text === 'true';
}

/**
 * Reads a comma-separated list from a query.
 * @returns undefined if the parameter is absent.
 * @throws ApiError 400 for an item that is not in `allowed`.
 */
export function queryList<T extends string>(
  query: URLSearchParams,
  name: string,
  allowed: readonly T[],
): T[] | undefined {
  if (!query.has(name)) return undefined;
  const items = query.getAll(name).flatMap((text) => text.split(','));
  return items.map((item) => {
    const found = allowed.find((candidate) => candidate === item);
    if (found === undefined) throw invalid(name, `expected a comma-separated list of ${allowed.join(', ')}`);
    return found;
  });
}
