import type { Sandbox } from './schema';

/**
 * When the sandbox first started, as far as Sandkeeper has seen, epoch ms. A resume does not change it. `null` if neither the
 * service nor Sandkeeper knows.
 */
export function firstStartOf(sandbox: Pick<Sandbox, 'startedAtMs' | 'firstStartedAtMs'>): number | null {
  return sandbox.firstStartedAtMs ?? sandbox.startedAtMs;
}

/** The template's name, or its id if it has none. `unknown` if the service reports neither. */
export function templateName(sandbox: Pick<Sandbox, 'alias' | 'templateId'>): string {
  return sandbox.alias || sandbox.templateId || 'unknown';
}
