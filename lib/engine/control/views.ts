import type { Dialect } from '../dialect';
import { ApiError } from '../http';
import { parseSandboxId } from '../ids';
import { type SandboxRecord, VISIBLE_STATE } from '../record';
import type { EngineServices } from '../services';
import { formatTime } from '../time';

/** The SDKs gate features on it: from 0.4.0 on they send no default user (docs/protocol.md#envd-version-gates). */
export const ENVD_VERSION = '0.6.4';
/** Read by old clients only (docs/protocol.md#sandbox-ids). */
const CLIENT_ID = '6532622b';
/** The engine has one team, which has no id of its own. */
export const TEAM_ID = '00000000-0000-0000-0000-000000000000';

/** `Sandbox` of docs/protocol.md#sandbox-schema. */
export function viewSandbox(record: SandboxRecord, services: EngineServices) {
  return {
    templateID: record.templateId,
    sandboxID: record.id,
    alias: record.alias,
    clientID: CLIENT_ID,
    envdVersion: ENVD_VERSION,
    envdAccessToken: services.tokens.access(record.id),
    trafficAccessToken:
      record.network?.allowPublicTraffic === false ? services.tokens.traffic(record.id) : null,
    domain: services.domain(),
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
    state: VISIBLE_STATE[record.state],
    envdVersion: ENVD_VERSION,
  };
}

/** `SandboxDetail` of docs/protocol.md#sandboxdetail-schema and docs/protocol.md#paused-sandboxes-in-responses. */
export function viewDetail(record: SandboxRecord, dialect: Dialect, services: EngineServices) {
  const envdAccessToken = services.tokens.access(record.id);
  const isRunning = VISIBLE_STATE[record.state] === 'running';
  const detail = { ...viewListed(record), envdAccessToken, domain: isRunning ? services.domain() : null };
  if (dialect === 'e2b') {
    const endAt = record.snapshot?.pausedAtMs;
    return {
      ...detail,
      ...(isRunning || endAt === undefined ? {} : { endAt: formatTime(endAt) }),
      allowInternetAccess: record.allowInternetAccess,
      network: record.network,
      lifecycle: {
        onTimeout: record.autoPause ? 'pause' : 'kill',
        autoResume: record.autoResume ?? false,
      },
      volumeMounts: [],
    };
  }
  if (isRunning) return detail;
  return { ...detail, templateID: record.snapshot?.templateId ?? record.templateId, alias: undefined };
}

/** The sandbox id in a path. @throws ApiError 404 if it cannot be one. */
export function sandboxIdOf(param: string): string {
  return parseSandboxId(param) ?? raiseNotFound(param);
}

/** @throws ApiError 404, even for a sandbox that is being killed. */
export function visibleSandbox(param: string, services: EngineServices): SandboxRecord {
  return services.registry.getVisible(sandboxIdOf(param)) ?? raiseNotFound(param);
}

function raiseNotFound(id: string): never {
  throw new ApiError(404, `sandbox "${id}" doesn't exist or you don't have access to it`);
}
