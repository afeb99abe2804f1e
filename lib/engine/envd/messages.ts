import { z } from 'zod';

/**
 * A proto3 JSON message (docs/protocol.md#proto3-json). Names may be in lowerCamelCase or snake_case, default values may
 * be absent or null, and unknown fields are ignored. `shape` uses lowerCamelCase.
 */
export function message<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).map((name) => [name, toSnakeCase(name)] as const);
  return z.preprocess((value) => pickFields(value, names), z.object(shape));
}

/** `string` */
export const text = z.string().default('');

/** `bool` */
export const flag = z.boolean().default(false);

const digits = z.string().regex(/^\d+$/).transform(Number);

/** `uint32` without a default. Accepts strings. */
export const presentUint32 = z.union([z.number(), digits]).pipe(z.int().min(0).max(0xffff_ffff));

/** `uint32` */
export const uint32 = presentUint32.default(0);

/** `bytes`: base64, standard or URL-safe, padded or not. */
export const bytes = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'expected base64')
  .transform((encoded) => Buffer.from(encoded, 'base64'));

/** An enum by name or number. Parses to the name. */
export function enumOf<Name extends string>(numbers: Readonly<Record<Name, number>>) {
  return z.union([z.string(), z.number()]).transform((value, context): Name => {
    const found = Object.entries(numbers).find(([name, number]) => value === name || value === number);
    if (found) return found[0] as Name;
    context.addIssue({ code: 'custom', message: `unknown enum value ${JSON.stringify(value)}` });
    return z.NEVER;
  });
}

function pickFields(value: unknown, names: readonly (readonly [string, string])[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields = new Map<string, unknown>(Object.entries(value));
  const picked: Record<string, unknown> = {};
  for (const [name, snakeName] of names) {
    const field = fields.get(name) ?? fields.get(snakeName);
    if (field !== undefined && field !== null) picked[name] = field;
  }
  return picked;
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
