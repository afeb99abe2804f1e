import { templateName } from '../sandbox/name';
import type { Sandbox } from '../sandbox/schema';
import { STATE_FACTS } from './states';

/** A sandbox with what filtering, sorting and drawing would otherwise work out again for every keystroke. */
export type IndexedSandbox = {
  readonly sandbox: Sandbox;
  /** The template's name, or its id where it has none. */
  readonly templateName: string;
  /** Epoch ms, or `null` while the state has no deadline (docs/protocol.md#paused-sandboxes-in-responses). */
  readonly deadlineMs: number | null;
  /** Id, template, metadata keys and values in lower case, each apart from the next. */
  readonly searchText: string;
};

/** Cannot be typed, so no search runs from the end of one field into the next. */
const FIELD_SEPARATOR = '\u0000';

/** Indexes one sandbox. Do it once when a sandbox arrives or changes, not when the filter does. */
export function indexSandbox(sandbox: Sandbox): IndexedSandbox {
  return {
    sandbox,
    templateName: templateName(sandbox),
    deadlineMs: STATE_FACTS[sandbox.state].hasDeadline ? sandbox.endAtMs : null,
    searchText: searchTextOf(sandbox),
  };
}

function searchTextOf({ id, alias, templateId, metadata }: Sandbox): string {
  let text = `${id}${FIELD_SEPARATOR}${alias ?? ''}${FIELD_SEPARATOR}${templateId}`;
  for (const key of Object.keys(metadata)) {
    text += `${FIELD_SEPARATOR}${key}${FIELD_SEPARATOR}${metadata[key] ?? ''}`;
  }
  return text.toLowerCase();
}
