import { ApiError } from '../http';
import type { SandboxRecord, StringMap, VisibleState } from '../record';
import type { ListPlace } from '../registry';
import type { EngineServices } from '../services';
import { formatTime, parseTime } from '../time';
import { queryInteger, queryList } from '../validation';
import type { Call, Route } from './route';
import { viewListed } from './views';

const STATES = ['running', 'paused'] as const satisfies readonly VisibleState[];

/** The two lists of sandboxes (docs/protocol.md#listing-sandboxes). */
export function listRoutes(services: EngineServices): Route[] {
  return [
    { method: 'GET', path: '/v2/sandboxes', handle: (call) => listPage(call, services) },
    {
      method: 'GET',
      path: '/sandboxes',
      handle({ query }) {
        const wanted = parseMetadata(query.get('metadata'));
        const running = services.registry.listed(new Set<VisibleState>(['running']));
        const body = [...running].filter((record) => hasMetadata(record, wanted)).map(viewListed);
        return { status: 200, body };
      },
    },
  ];
}

function listPage({ query, effects }: Call, { registry }: EngineServices) {
  const states = new Set<VisibleState>(queryList(query, 'state', STATES) ?? STATES);
  const wanted = parseMetadata(query.get('metadata'));
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const after = token === null ? undefined : parseCursor(token);

  const page: SandboxRecord[] = [];
  let more = false;
  for (const record of registry.listed(states, after)) {
    if (!hasMetadata(record, wanted)) continue;
    more = page.length === limit;
    if (more) break;
    page.push(record);
  }
  const last = page.at(-1);
  const headers: Record<string, string> = {};
  if (more && last !== undefined) {
    headers['X-Next-Token'] = token !== null && effects.has('repeat-cursor') ? token : formatCursor(last);
  }
  if (states.has('running')) headers['X-Total-Running'] = String(countRunning(wanted, registry));
  return { status: 200, body: page.map(viewListed), headers };
}

function countRunning(wanted: StringMap, registry: EngineServices['registry']): number {
  if (Object.keys(wanted).length === 0) return registry.count('running');
  let count = 0;
  for (const record of registry.all())
    if (record.state === 'running' && hasMetadata(record, wanted)) count += 1;
  return count;
}

function hasMetadata({ metadata }: SandboxRecord, wanted: StringMap): boolean {
  for (const key of Object.keys(wanted)) {
    if (!Object.hasOwn(metadata, key) || metadata[key] !== wanted[key]) return false;
  }
  return true;
}

/** base64url with padding of `<startedAt>__<id>` of the last item handed out. */
export function formatCursor({ startedAtMs, id }: ListPlace): string {
  return Buffer.from(`${formatTime(startedAtMs)}__${id}`)
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** @throws ApiError 400. */
export function parseCursor(token: string): ListPlace {
  const [time = '', id, ...rest] = Buffer.from(token, 'base64url').toString('utf8').split('__');
  const startedAtMs = parseTime(time);
  if (startedAtMs === null || id === undefined || rest.length > 0)
    throw new ApiError(400, 'Invalid next token');
  return { startedAtMs, id };
}

/**
 * The metadata filter in its odd encoding (docs/protocol.md#metadata-filter): what the query holds is form-encoded
 * pairs, escaped as a whole once more, and the SDKs escape each key and value besides. Later pairs of one key win.
 * @throws ApiError 400.
 */
export function parseMetadata(text: string | null): StringMap {
  const wanted: StringMap = Object.create(null) as StringMap;
  if (text === null || text === '') return wanted;
  for (const pair of unescapeText(text).split('&')) {
    const [key = '', value, ...rest] = pair.split('=');
    if (value === undefined || rest.length > 0) throw new ApiError(400, `Error parsing metadata: '${pair}'`);
    wanted[unescapeText(key)] = unescapeText(value);
  }
  return wanted;
}

function unescapeText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new ApiError(400, `Error parsing metadata: '${text}' is not well encoded`);
  }
}
