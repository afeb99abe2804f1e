import 'server-only';
import type { z } from 'zod';
import { keySeal } from '../../connections/secret-key';

/**
 * Encrypts `value` under the secret of this installation, so that nobody can read or change it. It opens for the same
 * purpose only. A purpose contains a space, which no name of a connection does.
 */
export function sealJson(purpose: `${string} ${string}`, value: unknown): string {
  return keySeal().seal(purpose, JSON.stringify(value));
}

/** The value passed to `sealJson`, or `null` if it was changed or sealed under another secret or for another purpose. */
export function openJson<Value>(
  purpose: `${string} ${string}`,
  schema: z.ZodType<Value>,
  sealed: string | null | undefined,
): Value | null {
  const text = sealed ? keySeal().open(purpose, sealed) : null;
  return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
}
