import 'server-only';
import type { z } from 'zod';
import { SandkeeperError } from '../errors';

/**
 * The arguments of an action or route as `schema` wants them. They come from anywhere: an action is a public endpoint.
 * Throws `invalid`, saying which value is wrong and what would be right.
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : '';
  throw new SandkeeperError('invalid', `${where}${first?.message ?? 'The values are not valid.'}`, {
    cause: parsed.error,
  });
}
