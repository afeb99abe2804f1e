import { ApiError } from '../http';
import type { SandboxRecord, VisibleState } from '../record';
import type { ListOrder, ListPosition } from '../registry';
import type { EngineServices } from '../services';
import type { StringMap } from '../string-map';
import { formatTime, parseTime } from '../time';
import { invalid, queryInteger, queryList } from '../validation';
import { type Call, type Route, takePage } from './route';
import { viewListed } from './views';

const STATES = ['running', 'paused'] as const satisfies readonly VisibleState[];
const ORDERS = ['asc', 'desc'] as const satisfies readonly ListOrder[];

/** The two lists of sandboxes (docs/protocol.md#listing-sandboxes). */
export function listRoutes(services: EngineServices): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/sandboxes',
      query: ['state', 'metadata', 'startedAfter', 'template', 'order', 'limit', 'nextToken'],
      handle: (call) => listPage(call, services),
    },
    {
      method: 'GET',
      path: '/sandboxes',
      query: ['metadata'],
      handle({ query }) {
        const metadata = parseMetadata(query.get('metadata'));
        const running = services.registry.list(new Set<VisibleState>(['running']));
        const body = [...running].filter((record) => hasMetadata(record, metadata)).map(viewListed);
        return { status: 200, body };
      },
    },
  ];
}

function listPage({ query, effects }: Call, { registry, templates }: EngineServices) {
  const states = new Set<VisibleState>(queryList(query, 'state', STATES) ?? STATES);
  const filter: Filter = {
    metadata: parseMetadata(query.get('metadata')),
    startedAfterMs: queryTime(query, 'startedAfter'),
    templateId: templateIdOf(query, templates),
  };
  const order = queryList(query, 'order', ORDERS)?.[0] ?? 'desc';
  const limit = queryInteger(query, 'limit', { min: 1, max: 100 }) ?? 100;
  const token = query.get('nextToken') || null;
  const after = token === null ? undefined : parseCursor(token);

  const { page, headers } = takePage(
    registry.list(states, order, after),
    (record) => isMatch(record, filter),
    { limit, token, effects, formatToken: formatCursor },
  );
  if (states.has('running')) headers['X-Total-Running'] = String(countRunning(filter, registry));
  return { status: 200, body: page.map(viewListed), headers };
}

type Filter = {
  metadata: StringMap;
  startedAfterMs: number | undefined;
  /** A template that no sandbox has if the name is unknown. */
  templateId: string | undefined;
};

/** The template may be named by its id or alias. */
function templateIdOf(query: URLSearchParams, templates: EngineServices['templates']): string | undefined {
  const name = query.get('template') || undefined;
  return name === undefined ? undefined : (templates.find(name)?.templateId ?? name);
}

function queryTime(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return parseTime(text) ?? raiseInvalidTime(name);
}

function raiseInvalidTime(name: string): never {
  throw invalid(name, 'expected a time such as 2026-01-31T09:00:00Z');
}

function countRunning(filter: Filter, registry: EngineServices['registry']): number {
  const isOpen = filter.startedAfterMs === undefined && filter.templateId === undefined;
  if (isOpen && Object.keys(filter.metadata).length === 0) return registry.count('running');
  let count = 0;
  for (const record of registry.all()) if (record.state === 'running' && isMatch(record, filter)) count += 1;
  return count;
}

function isMatch(record: SandboxRecord, { metadata, startedAfterMs, templateId }: Filter): boolean {
  if (startedAfterMs !== undefined && record.startedAtMs < startedAfterMs) return false;
  if (templateId !== undefined && record.templateId !== templateId) return false;
  return hasMetadata(record, metadata);
}

function hasMetadata({ metadata }: SandboxRecord, filter: StringMap): boolean {
  for (const key of Object.keys(filter)) {
    if (!Object.hasOwn(metadata, key) || metadata[key] !== filter[key]) return false;
  }
  return true;
}

/** Padded base64url of `<startedAt>__<id>` of the last item (docs/protocol.md#list-cursor). */
export function formatCursor({ startedAtMs, id }: ListPosition): string {
  return Buffer.from(`${formatTime(startedAtMs)}__${id}`)
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

export function parseCursor(token: string): ListPosition {
  const [time = '', id, ...rest] = Buffer.from(token, 'base64url').toString('utf8').split('__');
  const startedAtMs = parseTime(time);
  if (startedAtMs === null || id === undefined || rest.length > 0)
    throw new ApiError(400, 'Invalid next token');
  return { startedAtMs, id };
}

/**
 * Parses the metadata filter (docs/protocol.md#metadata-filter). Keys and values are encoded twice: by themselves and as
 * part of the whole. The last pair of a key wins.
 * @throws ApiError 400.
 */
export function parseMetadata(text: string | null): StringMap {
  const filter: StringMap = Object.create(null) as StringMap;
  if (text === null || text === '') return filter;
  for (const pair of unescapeText(text).split('&')) {
    const [key = '', value, ...rest] = pair.split('=');
    if (value === undefined || rest.length > 0) throw new ApiError(400, `Error parsing metadata: '${pair}'`);
    filter[unescapeText(key)] = unescapeText(value);
  }
  return filter;
}

function unescapeText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new ApiError(400, `Error parsing metadata: '${text}' is not URL-encoded`);
  }
}
