import { expect, it } from 'vitest';
import type { ShownConnection } from '@/lib/connection';
import { type FleetStatus, NOTHING_READ } from '@/lib/fleet/delta';
import { parseFilter } from '@/lib/fleet/filter/filter';
import { connectionsIn } from '@/lib/fleet/filter/narrowing';
import { emptyText } from './empty-text';

const connection = (name: string): ShownConnection => ({
  name,
  title: name.toUpperCase(),
  label: null,
  kind: 'moru',
  host: 'api.example',
  variables: {},
});
const CONNECTIONS = ['read', 'loading', 'failing'].map(connection);
const STATUSES = new Map<string, FleetStatus>([
  ['read', { ...NOTHING_READ, asOfMs: 1 }],
  ['loading', NOTHING_READ],
  ['failing', { ...NOTHING_READ, problem: { code: 'unavailable', message: 'It is away.' } }],
]);

it.each([
  ['', null],
  ['owner=ana', null],
  ['connection:read owner=ana', null],
  ['connection:read', 'READ has no sandboxes.'],
  ['connection:loading', 'LOADING: loading…'],
  ['connection:failing', 'FAILING has not been read yet.'],
  ['!connection:read', 'These connections have no sandboxes.'],
  ['connection:other', 'No connection has this name.'],
])('of the filter %j says %j', (text, words) => {
  const { filter } = parseFilter(text);
  const shown = connectionsIn(
    filter,
    CONNECTIONS.map(({ name }) => name),
  );
  expect(emptyText(filter, CONNECTIONS, { shown, statuses: STATUSES })).toBe(words);
});
