import type { Sandbox } from './schema';

/** The template's name, or its id if it has none. `unknown` if the service reports neither. */
export function templateName(sandbox: Pick<Sandbox, 'alias' | 'templateId'>): string {
  return sandbox.alias || sandbox.templateId || 'unknown';
}
