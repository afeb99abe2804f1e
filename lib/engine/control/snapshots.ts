import { randomUUID } from 'node:crypto';
import { ApiError } from '../http';
import { parseSandboxId } from '../ids';
import { removeHostDirectory } from '../safe-fs/remove';
import type { EngineServices } from '../services';
import type { SnapshotTemplate, Tag } from '../template-catalog';
import { NAMESPACE, parseReference } from '../templates';
import { settingsOf } from '../transitions';
import { queryInteger, validate } from '../validation';
import { ForkBody, SnapshotBody } from './bodies';
import { formatCursor, parseCursor } from './list';
import { type Call, type Route, takePage } from './route';
import { sandboxIdOf, viewSandbox } from './views';

/** Default timeout of a fork (docs/protocol.md#forking-a-sandbox). */
const FORK_TIMEOUT_S = 15;

/** Copies of a sandbox: snapshots to start others from, and forks (docs/protocol.md#snapshots). */
export function snapshotRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'POST',
      path: '/sandboxes/{id}/snapshots',
      handle: (call) => createSnapshot(call, services),
    },
    {
      method: 'GET',
      path: '/snapshots',
      query: ['sandboxID', 'name', 'limit', 'nextToken'],
      handle: (call) => listSnapshots(call, services),
    },
    { method: 'POST', path: '/sandboxes/{id}/fork', handle: (call) => fork(call, services) },
  ];
}

async function createSnapshot({ param, body }: Call, { lifecycle, templates, events }: EngineServices) {
  const name = validate(SnapshotBody, body).name ?? undefined;
  // A bad name must not cost a copy.
  if (name !== undefined) templates.checkName(name);
  const sandboxId = sandboxIdOf(param);
  const buildId = randomUUID();
  const source = await lifecycle.saveFiles(sandboxId, templates.draft(buildId), 'snapshotted');
  const { cpuCount, memoryMB, diskSizeMB } = source;
  const build = { buildId, sandboxId, createdAtMs: Date.now() };
  const snapshot = await templates.keep(build, name, { cpuCount, memoryMB, diskSizeMB });
  events.record('checkpointed', source);
  const tag = snapshot.tags.find((candidate) => candidate.buildId === buildId);
  return { status: 201, body: viewSnapshot(snapshot, tag) };
}

type Row = { snapshot: SnapshotTemplate; tag: Tag };

/** One row for each tag, newest first. */
function listSnapshots({ query, effects }: Call, { templates }: EngineServices) {
  const sandboxId = query.get('sandboxID') || null;
  const name = query.get('name') || null;
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const after = token === null ? null : parseCursor(token);
  const rows = templates.snapshots
    .flatMap((snapshot) => snapshot.tags.map((tag) => ({ snapshot, tag })))
    .filter((row) => sandboxId === null || sourceOf(row) === (parseSandboxId(sandboxId) ?? sandboxId))
    .filter((row) => name === null || isNamed(row, name))
    .sort((a, b) => b.tag.createdAtMs - a.tag.createdAtMs || (keyOf(a) < keyOf(b) ? -1 : 1));
  const isAfter = (row: Row) =>
    after === null ||
    row.tag.createdAtMs < after.startedAtMs ||
    (row.tag.createdAtMs === after.startedAtMs && keyOf(row) > after.id);
  const { page, headers } = takePage(rows, isAfter, {
    limit,
    token,
    effects,
    formatToken: (row) => formatCursor({ startedAtMs: row.tag.createdAtMs, id: keyOf(row) }),
  });
  return { status: 200, body: page.map(({ snapshot, tag }) => viewSnapshot(snapshot, tag)), headers };
}

/** Without the underscores of tags, of which two separate the parts of a cursor. */
const keyOf = ({ snapshot, tag }: Row) => `${snapshot.templateId}:${tag.tag.replaceAll('_', '%')}`;

const sourceOf = ({ snapshot, tag }: Row) =>
  snapshot.builds.find(({ buildId }) => buildId === tag.buildId)?.sandboxId;

/** Whether `filter` names the snapshot, with its tag if it names one. */
function isNamed({ snapshot, tag }: Row, filter: string): boolean {
  const reference = parseReference(filter);
  if (reference === null) return false;
  const isTemplate = [snapshot.templateId, snapshot.alias].includes(reference.name);
  return isTemplate && (!filter.includes(':') || tag.tag === reference.tag);
}

/** `SnapshotInfo` of docs/protocol.md#snapshots. */
function viewSnapshot({ templateId, alias }: SnapshotTemplate, tag: Tag | undefined) {
  const name = alias === undefined ? undefined : `${NAMESPACE}/${alias}`;
  return {
    snapshotID: `${name ?? templateId}:${tag?.tag ?? 'default'}`,
    names: name === undefined ? [] : [name],
  };
}

/** Copies the files once and starts every fork from the copy. Each starts or fails by itself. */
async function fork({ param, body }: Call, services: EngineServices) {
  const { lifecycle, templates, limits } = services;
  const { count = 1, timeout = FORK_TIMEOUT_S } = validate(ForkBody, body);
  lifecycle.requireTimeout(timeout);
  if (count >= limits.maxRunning) {
    const limit = `the maximum number of concurrent sandboxes (${limits.maxRunning})`;
    throw new ApiError(400, `Count must be lower than ${limit}`);
  }
  const files = templates.draft(randomUUID());
  const source = await lifecycle.saveFiles(sandboxIdOf(param), files, 'forked');
  const { templateId, alias, cpuCount, memoryMB, diskSizeMB } = source;
  const input = {
    ...settingsOf(source),
    timeoutMs: timeout * 1000,
    template: { templateId, alias, buildId: '', cpuCount, memoryMB, diskSizeMB },
    files,
  };
  try {
    const starts = await Promise.allSettled(
      Array.from({ length: count }, () => lifecycle.create(input, timeout)),
    );
    const results = starts.map((start) =>
      start.status === 'fulfilled'
        ? { sandbox: viewSandbox(start.value, services) }
        : { error: viewError(start.reason) },
    );
    return { status: 201, body: results };
  } finally {
    await removeHostDirectory(files);
  }
}

function viewError(reason: unknown) {
  if (reason instanceof ApiError) return { code: reason.status, message: reason.message };
  return { code: 500, message: 'internal error; see the log of the engine' };
}
