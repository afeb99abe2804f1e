import { firstStartOf, templateName } from '../sandbox/name';
import type { Sandbox } from '../sandbox/schema';
import { type ConnectionName, connectionOf } from '../sandbox-key';
import type { FleetStatus } from './delta';
import { STATE_FACTS } from './states';

/**
 * A sandbox with values precomputed for filtering, sorting and drawing. Its times are on Sandkeeper's clock, epoch ms,
 * although the service gives them on its own: rows of services whose clocks differ are compared with one `now`. `null`:
 * the service does not report it.
 */
export type IndexedSandbox = {
  readonly sandbox: Sandbox;
  readonly connection: ConnectionName;
  /** The template's name, or its id if it has none. */
  readonly templateName: string;
  readonly firstStartMs: number | null;
  readonly startedMs: number | null;
  /** Since when it has been running. `null` while it is paused. */
  readonly upSinceMs: number | null;
  /** `null` in a state without a deadline (docs/protocol.md#paused-sandboxes-in-responses). */
  readonly deadlineMs: number | null;
  /** Id, template, metadata keys and values in lower case, separated. */
  readonly searchText: string;
};

/** Cannot be typed, which keeps a search from matching across fields. */
const FIELD_SEPARATOR = '\u0000';

/** How far the clock of a service is ahead of Sandkeeper's, ms. */
type Clock = Pick<FleetStatus, 'serviceAheadMs'>;

const SAME_CLOCK: Clock = { serviceAheadMs: 0 };

/** Call it once when a sandbox arrives or changes, or when its service's clock does, not on every filter. */
export function indexSandbox(sandbox: Sandbox, { serviceAheadMs }: Clock): IndexedSandbox {
  const onOurs = (ms: number | null) => (ms === null ? null : ms - serviceAheadMs);
  const { hasDeadline } = STATE_FACTS[sandbox.state];
  const startedMs = onOurs(sandbox.startedAtMs);
  return {
    sandbox,
    connection: connectionOf(sandbox.key),
    templateName: templateName(sandbox),
    firstStartMs: onOurs(firstStartOf(sandbox)),
    startedMs,
    upSinceMs: hasDeadline ? startedMs : null,
    deadlineMs: hasDeadline ? onOurs(sandbox.endAtMs) : null,
    searchText: searchTextOf(sandbox),
  };
}

/** Indexes sandboxes of several connections, each on the clock of its own. */
export function indexSandboxes(
  sandboxes: readonly Sandbox[],
  clockOf: (connection: ConnectionName) => Clock | undefined,
): IndexedSandbox[] {
  return sandboxes.map((sandbox) => indexSandbox(sandbox, clockOf(connectionOf(sandbox.key)) ?? SAME_CLOCK));
}

function searchTextOf({ id, alias, templateId, metadata }: Sandbox): string {
  let text = `${id}${FIELD_SEPARATOR}${alias ?? ''}${FIELD_SEPARATOR}${templateId}`;
  for (const key of Object.keys(metadata)) {
    text += `${FIELD_SEPARATOR}${key}${FIELD_SEPARATOR}${metadata[key] ?? ''}`;
  }
  return text.toLowerCase();
}
