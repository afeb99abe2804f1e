import { CLIENT_ID, ENVD_VERSION } from '../constants';
import { ApiError } from '../http';
import { bareSandboxId } from '../ids';
import type { EngineParts } from '../parts';
import { type SandboxRecord, SHOWN_STATE } from '../record';
import { formatTime } from '../time';

/**
 * `Sandbox` of docs/protocol.md#sandbox-schema: what create, resume and connect answer. The token is there for every
 * sandbox.
 */
export function viewSandbox(record: SandboxRecord, parts: EngineParts) {
  return {
    templateID: record.templateId,
    sandboxID: record.id,
    alias: record.alias,
    clientID: CLIENT_ID,
    envdVersion: ENVD_VERSION,
    envdAccessToken: parts.tokens.access(record.id),
    trafficAccessToken: record.network?.allowPublicTraffic === false ? parts.tokens.traffic(record.id) : null,
    domain: parts.domain(),
  };
}

/** `ListedSandbox` of docs/protocol.md#listedsandbox-schema. */
export function viewListed(record: SandboxRecord) {
  return {
    templateID: record.templateId,
    alias: record.alias,
    sandboxID: record.id,
    clientID: CLIENT_ID,
    startedAt: formatTime(record.startedAtMs),
    endAt: formatTime(record.endAtMs),
    cpuCount: record.cpuCount,
    memoryMB: record.memoryMB,
    diskSizeMB: record.diskSizeMB,
    metadata: record.metadata,
    state: SHOWN_STATE[record.state],
    envdVersion: ENVD_VERSION,
  };
}

/**
 * `SandboxDetail`. A paused one shows its internal template, no alias and no domain
 * (docs/protocol.md#paused-sandboxes-in-responses).
 */
export function viewDetail(record: SandboxRecord, parts: EngineParts) {
  const envdAccessToken = parts.tokens.access(record.id);
  if (SHOWN_STATE[record.state] === 'running') {
    return { ...viewListed(record), envdAccessToken, domain: parts.domain() };
  }
  const templateID = record.snapshot?.templateId ?? record.templateId;
  return { ...viewListed(record), templateID, alias: undefined, envdAccessToken, domain: null };
}

/** The sandbox id in a path. @throws ApiError 404: what cannot be an id belongs to no sandbox. */
export function sandboxIdOf(param: string): string {
  return bareSandboxId(param) ?? raiseNotFound(param);
}

/** @throws ApiError 404, also for one that is being killed. */
export function shownSandbox(param: string, parts: EngineParts): SandboxRecord {
  return parts.registry.getShown(sandboxIdOf(param)) ?? raiseNotFound(param);
}

function raiseNotFound(id: string): never {
  throw new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);
}
