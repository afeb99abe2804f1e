import { templateName } from '../sandbox/name';
import type { Sandbox } from '../sandbox/schema';
import { STATE_FACTS } from './states';

/** A sandbox with values precomputed for filtering, sorting and drawing. */
export type IndexedSandbox = {
  readonly sandbox: Sandbox;
  /** The template's name, or its id if it has none. */
  readonly templateName: string;
  /** Epoch ms. `null` in a state without a deadline (docs/protocol.md#paused-sandboxes-in-responses). */
  readonly deadlineMs: number | null;
  /** Id, template, metadata keys and values in lower case, separated. */
  readonly searchText: string;
};

/** Cannot be typed, which keeps a search from matching across fields. */
const FIELD_SEPARATOR = '\u0000';

/** Call it once when a sandbox arrives or changes, not on every filter. */
export function indexSandbox(sandbox: Sandbox): IndexedSandbox {
  return {
    sandbox,
    templateName: templateName(sandbox),
    deadlineMs: STATE_FACTS[sandbox.state].hasDeadline ? sandbox.endAtMs : null,
    searchText: searchTextOf(sandbox),
  };
}

/** Since when it has been running, epoch ms. `null` while it is paused, or if the service does not report it. */
export function upSince({ sandbox: { state, startedAtMs } }: IndexedSandbox): number | null {
  return STATE_FACTS[state].hasDeadline ? startedAtMs : null;
}

function searchTextOf({ id, alias, templateId, metadata }: Sandbox): string {
  let text = `${id}${FIELD_SEPARATOR}${alias ?? ''}${FIELD_SEPARATOR}${templateId}`;
  for (const key of Object.keys(metadata)) {
    text += `${FIELD_SEPARATOR}${key}${FIELD_SEPARATOR}${metadata[key] ?? ''}`;
  }
  return text.toLowerCase();
}
