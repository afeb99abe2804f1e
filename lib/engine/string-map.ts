import { z } from 'zod';

export type StringMap = Record<string, string>;

type Rules = {
  /** Returns what is expected of a name instead; undefined if it is fine. */
  name?: (name: string) => string | undefined;
  value?: (value: string) => string | undefined;
  /** For anything that is no object. */
  error?: string;
};

const NOTHING = () => undefined;

/**
 * An object with any names and with strings as values. A record of zod drops the name `__proto__`, which here is a name like
 * any other. Read a value of a foreign name with `Object.hasOwn`.
 */
export function stringMap({
  name: problemOfName = NOTHING,
  value: problemOfValue = NOTHING,
  error = 'expected an object of strings',
}: Rules = {}) {
  return z.unknown().transform((input, context): StringMap => {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    }
    const entries: [string, string][] = [];
    for (const [name, value] of Object.entries(input)) {
      const problem =
        problemOfName(name) ?? (typeof value === 'string' ? problemOfValue(value) : 'expected a string');
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: [name] });
      else entries.push([name, String(value)]);
    }
    // Defines the names, where an assignment to `__proto__` would set the prototype.
    return Object.fromEntries(entries);
  });
}
