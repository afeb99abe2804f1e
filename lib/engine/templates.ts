/** What a sandbox starts from: a built-in template, or a build of a snapshot. */
export type Template = {
  readonly templateId: string;
  readonly alias?: string | undefined;
  readonly buildId: string;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskSizeMB: number;
};

export const TEMPLATES_CREATED_AT = '2026-01-15T09:00:00.000Z';

/** The built-in templates. The id of each is also its alias. */
export const TEMPLATES: readonly Template[] = [
  template('base', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b001', 2, 512, 10_240),
  template('python', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b002', 2, 1_024, 10_240),
  template('code-runner', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b003', 2, 2_048, 10_240),
  template('browser-use', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b004', 4, 4_096, 20_480),
];

/** Finds a built-in template by id, ignoring case and surrounding blanks (docs/protocol.md#creating-a-sandbox). */
export function findTemplate(name: string): Template | undefined {
  const id = name.trim().toLowerCase();
  return TEMPLATES.find(({ templateId }) => templateId === id);
}

export const DEFAULT_TAG = 'default';
/** The namespace of the snapshots' names, which at a service is the team's. */
export const NAMESPACE = 'local';

/** A template as callers name it (docs/protocol.md#templates). */
export type TemplateReference = { name: string; tag: string };

const REFERENCE = /^(?:([a-z0-9-_]+)\/)?([a-z0-9-_]+)(?::([a-z0-9-_.]+))?$/;

/** Parses `[namespace/]name[:tag]`. Null for anything else, and for another namespace, whose templates are not here. */
export function parseReference(text: string): TemplateReference | null {
  const [, namespace = NAMESPACE, name, tag = DEFAULT_TAG] = REFERENCE.exec(text.trim().toLowerCase()) ?? [];
  return name === undefined || namespace !== NAMESPACE ? null : { name, tag };
}

function template(
  templateId: string,
  buildId: string,
  cpuCount: number,
  memoryMB: number,
  diskSizeMB: number,
): Template {
  return { templateId, alias: templateId, buildId, cpuCount, memoryMB, diskSizeMB };
}
