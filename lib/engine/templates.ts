/** A built-in template. Its id is also its alias. */
export type Template = {
  readonly templateId: string;
  readonly buildId: string;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskSizeMB: number;
};

export const TEMPLATES_CREATED_AT = '2026-01-15T09:00:00.000Z';

export const TEMPLATES: readonly Template[] = [
  template('base', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b001', 2, 512, 10_240),
  template('python', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b002', 2, 1_024, 10_240),
  template('code-runner', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b003', 2, 2_048, 10_240),
  template('browser-use', '6f1c8a34-5a0e-4a57-9b55-0d5c7ce1b004', 4, 4_096, 20_480),
];

/** Finds a template by id, ignoring case and surrounding blanks (docs/protocol.md#creating-a-sandbox). */
export function findTemplate(name: string): Template | undefined {
  const id = name.trim().toLowerCase();
  return TEMPLATES.find(({ templateId }) => templateId === id);
}

function template(
  templateId: string,
  buildId: string,
  cpuCount: number,
  memoryMB: number,
  diskSizeMB: number,
): Template {
  return { templateId, buildId, cpuCount, memoryMB, diskSizeMB };
}
