import type { Sandbox } from './schema';

/** What people call the template: its name, or its id where it has none. */
export function templateName(sandbox: Pick<Sandbox, 'alias' | 'templateId'>): string {
  return sandbox.alias ?? sandbox.templateId;
}
