import type { Lacking } from '../sandbox/capabilities';
import { type FleetStatus, NOTHING_READ } from './delta';

/**
 * The status of several fleets together: as old as the oldest reading, with the problem of the first one that has one, and
 * lacking only what all of them lack. The limit of running sandboxes is a connection's own.
 */
export function mergeStatus(statuses: readonly FleetStatus[]): FleetStatus {
  const [first = NOTHING_READ, ...others] = statuses;
  if (others.length === 0) return first;
  const read = statuses.flatMap(({ asOfMs }) => asOfMs ?? []);
  return {
    asOfMs: read.length === 0 ? null : Math.min(...read),
    problem: statuses.find(({ problem }) => problem !== null)?.problem ?? null,
    unreadable: statuses.reduce((sum, { unreadable }) => sum + unreadable, 0),
    isEndless: statuses.some(({ isEndless }) => isEndless),
    serviceAheadMs: first.serviceAheadMs,
    maxRunning: null,
    lacking: commonLacking(statuses.map(({ lacking }) => lacking)),
  };
}

/** The reasons of the first one, for what all of them lack. */
export function commonLacking([first = {}, ...others]: readonly Lacking[]): Lacking {
  return Object.fromEntries(
    Object.entries(first).filter(([name]) => others.every((lacking) => Object.hasOwn(lacking, name))),
  );
}
