import 'server-only';
import type { z } from 'zod';
import { SandkeeperError } from '../errors';
import { keyOf, SandboxKey } from '../sandbox-key';

/**
 * Parses the arguments of an action or route. They are untrusted: an action is a public endpoint. Throws `invalid` with
 * the name of the wrong value and the expected one.
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : '';
  throw new SandkeeperError('invalid', `${where}${first?.message ?? 'The input is not valid.'}`, {
    cause: parsed.error,
  });
}

/** The parts of a route that name a sandbox. */
export type SandboxRoute = { connection: string; id: string };

/** The sandbox that a route names, unchecked. */
export function keyInRoute({ connection, id }: SandboxRoute): SandboxKey {
  return keyOf(connection, id);
}

/** The sandbox that a route names. Throws `invalid`. */
export function parseSandboxKey(route: SandboxRoute): SandboxKey {
  return parseInput(SandboxKey, keyInRoute(route));
}

/** Checks that an action without arguments has got none. Throws `invalid`. */
export function parseNoInput(input: readonly unknown[]): void {
  if (input.length > 0) throw new SandkeeperError('invalid', 'This action takes no input.');
}
