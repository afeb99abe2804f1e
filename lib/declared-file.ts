import 'server-only';
import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import type { z } from 'zod';

/** The content of a YAML or JSON file of the configuration, or a sentence that says why it cannot be read. */
export function readDeclaredFile<Content>(
  setting: string,
  path: string,
  schema: z.ZodType<Content>,
): { content: Content } | { problems: string[] } {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return { problems: [`${setting}: ${describeUnreadable(path, error)}`] };
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return { content: parsed.data };
  return { problems: parsed.error.issues.map((issue) => describeIssue(`${setting}: ${path}`, issue)) };
}

/** Says where the syntax breaks, without the parser's words, which quote the text around. */
function describeUnreadable(path: string, error: unknown): string {
  if (!(error instanceof YAMLParseError))
    return `${path} cannot be read: ${firstLine((error as Error).message)}`;
  const at = error.linePos?.[0];
  return `${path} is not valid YAML or JSON${at ? ` at line ${at.line}, column ${at.col}` : ''}.`;
}

/** One sentence. Never quotes a value, which may be a key. */
export function describeIssue(where: string, { path, message }: z.core.$ZodIssue): string {
  const field = path.filter((step) => step !== 'fields').join('.');
  return `${where}: ${field ? `${field}: ` : ''}${message}`;
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
