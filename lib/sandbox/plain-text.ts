import { z } from 'zod';

/** C0 and C1 control characters and DEL, except tab, line feed and carriage return. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are refused.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/**
 * Text that people write and that is stored and shown, such as a reason. Refuses control characters: a database cuts text at
 * NUL, and others are invisible. `name` begins the message.
 */
export function plainText(name: string, maxChars: number) {
  return z
    .string()
    .max(maxChars, `${name} has at most ${maxChars} characters.`)
    .refine((text) => !CONTROL.test(text), `${name} cannot contain control characters.`);
}
