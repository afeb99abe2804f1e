import 'server-only';
import { noteAccess } from '../access/audit';
import type { AccessKind } from '../access/audit-schema';
import type { Who } from '../access/sessions';
import type { SandboxKey } from '../sandbox-key';
import {
  endsInPause,
  type LeaseState,
  type WakeEnd,
  type WakeEnding,
  type WakeState,
  type WakeViewer,
} from './schema';
import {
  beginLease,
  changeLease,
  dropLease,
  type LeaseChange,
  listLeases,
  listOtherViewers,
  type Viewer,
  type WakeLease,
} from './store';
import { type Subscriber, Subscribers, viewersFor } from './subscribers';
import { Visits } from './visits';

type Options = { owner: string; graceMs: number };

const OPEN: readonly LeaseState[] = ['waking', 'awake', 'pausing'];

/** The wakes as this process knows them. Changes go to the database first, then to the viewers. */
export class WakeBook {
  readonly #owner: string;
  readonly #subscribers = new Subscribers();
  readonly #visits: Visits;
  #leases = new Map<SandboxKey, WakeLease>();
  /** Viewers connected to other processes, by sandbox id. */
  #others: ReadonlyMap<SandboxKey, readonly Viewer[]> = new Map();
  /** Counts our changes: a read that a change overtook is discarded. */
  #changes = 0;

  constructor({ owner, graceMs }: Options) {
    this.#owner = owner;
    this.#visits = new Visits(graceMs);
  }

  /** Whether this process has viewers. */
  get hasSubscribers(): boolean {
    return !this.#subscribers.isEmpty;
  }

  /** Reads the wakes and viewers of all processes. */
  async read(): Promise<void> {
    const before = this.#changes;
    const [leases, others] = await Promise.all([listLeases(), listOtherViewers(this.#owner)]);
    this.#others = others;
    if (before === this.#changes) this.#leases = new Map(leases.map((lease) => [lease.sandboxKey, lease]));
    for (const sandboxKey of this.#subscribers.sandboxKeys()) this.#publish(sandboxKey);
  }

  /** Wakes that are not over, oldest first. */
  underWay(): WakeLease[] {
    return [...this.#leases.values()].filter(({ state }) => state !== 'ended');
  }

  /** The wake of this sandbox that is under way, or `null`. */
  find(sandboxKey: SandboxKey): WakeLease | null {
    const lease = this.#leases.get(sandboxKey);
    return lease === undefined || lease.state === 'ended' ? null : lease;
  }

  /** The viewers that keep it awake, of all processes. */
  viewersOf(sandboxKey: SandboxKey): Viewer[] {
    return [...this.#subscribers.viewersOf(sandboxKey), ...(this.#others.get(sandboxKey) ?? [])];
  }

  /** The viewers of this process that keep it awake. */
  ownViewersOf(sandboxKey: SandboxKey): Viewer[] {
    return this.#subscribers.viewersOf(sandboxKey);
  }

  /** Sends a viewer the state of the wake, then every change, until the returned function is called. */
  subscribe(sandboxKey: SandboxKey, subscriber: Subscriber): () => void {
    const stop = this.#subscribers.add(sandboxKey, subscriber);
    this.#publish(sandboxKey);
    return () => {
      stop();
      this.#publish(sandboxKey);
    };
  }

  /** Records the viewers that joined and left, apart from the expected ones. */
  async noteVisits({ sandboxKey }: WakeLease): Promise<void> {
    const { joined, left } = this.#visits.note(
      sandboxKey,
      this.#subscribers.viewersOf(sandboxKey),
      Date.now(),
    );
    for (const viewer of joined) await this.note(viewer, 'review-joined', sandboxKey);
    for (const viewer of left) await this.note(viewer, 'review-left', sandboxKey);
  }

  /** Announces a viewer whose arrival is already recorded. */
  expect(sandboxKey: SandboxKey, viewer: Viewer): void {
    this.#visits.expect(sandboxKey, viewer);
  }

  /** Begins a wake. Returns false if one of this sandbox is under way. */
  async begin(lease: WakeLease, leaseMs: number): Promise<boolean> {
    if (!(await beginLease(lease, leaseMs))) return false;
    this.#put(lease);
    return true;
  }

  /** Changes a wake that is in one of the states `from`. Returns null if it has moved to another state. */
  async change(
    { id }: WakeLease,
    from: readonly LeaseState[],
    change: LeaseChange,
  ): Promise<WakeLease | null> {
    const changed = await changeLease(id, from, change);
    if (changed !== null) this.#put(changed);
    return changed;
  }

  /** Deletes a wake whose sandbox was not woken. */
  async drop({ id, sandboxKey }: WakeLease): Promise<void> {
    await dropLease(id);
    this.#changes += 1;
    this.#leases.delete(sandboxKey);
    this.#visits.forget(sandboxKey);
    this.#publish(sandboxKey);
  }

  /** Ends a wake and records how. Does nothing if it has already ended. */
  async end(
    lease: WakeLease,
    how: WakeEnd,
    { by = null, byId = null, note = null }: Partial<Pick<WakeEnding, 'by' | 'byId' | 'note'>> = {},
  ): Promise<void> {
    const atMs = Date.now();
    const ending: WakeEnding = { how, by, byId, note, atMs };
    const change = { state: 'ended', ending, problem: null, leaseMs: 0 } as const;
    if ((await this.change(lease, OPEN, change)) === null) return;
    const words = note === null ? END_WORDS[how] : `${END_WORDS[how]}. ${note}`;
    const kind = endsInPause(how) ? 'review-paused' : 'review-ended';
    const person = by === null || byId === null ? null : { userId: byId, actor: by };
    await this.note(person, kind, lease.sandboxKey, words, operationOf(lease));
    this.#visits.forget(lease.sandboxKey);
  }

  /** Adds a line to the audit log. A failure is logged but not thrown, because the event has happened. */
  async note(
    person: Who | null,
    kind: AccessKind,
    sandboxKey: SandboxKey,
    detail: string | null = null,
    request: string | null = null,
  ): Promise<void> {
    await noteAccess(person, { kind, sandboxKey, detail, request }).catch((error) =>
      console.error(`Recording ${kind} of ${sandboxKey} failed:`, error),
    );
  }

  #put(lease: WakeLease): void {
    this.#changes += 1;
    this.#leases.set(lease.sandboxKey, lease);
    this.#publish(lease.sandboxKey);
  }

  #publish(sandboxKey: SandboxKey): void {
    const lease = this.#leases.get(sandboxKey);
    const viewers = this.viewersOf(sandboxKey);
    this.#subscribers.publish(sandboxKey, (you) =>
      lease === undefined ? { kind: 'none' } : STATE_OF[lease.state](lease, viewersFor(you, viewers)),
    );
  }
}

/** The text of each ending in the audit log. */
const END_WORDS = {
  asked: 'For all viewers',
  left: 'No viewers left',
  time: 'Its time was up',
  finished: 'The task was done',
  elsewhere: 'Paused outside Sandkeeper',
  taken: 'Resumed outside Sandkeeper, and left alone',
  gone: 'Terminated',
  unwoken: 'It did not wake',
} satisfies Record<WakeEnd, string>;

const STATE_OF = {
  waking: ({ actor, problem }) => ({ kind: 'waking', by: actor, problem }),
  awake: ({ actor, endsAtMs, isGuarded }, viewers) => ({
    kind: 'awake',
    by: actor,
    endsAtMs,
    isGuarded,
    viewers,
  }),
  pausing: ({ ending, problem }) => ({
    kind: 'pausing',
    how: ending?.how ?? 'asked',
    by: ending?.by ?? null,
    byId: ending?.byId ?? null,
    problem,
  }),
  ended: ({ ending }) => (ending === null ? { kind: 'none' } : { kind: 'ended', ...ending }),
} satisfies Record<LeaseState, (lease: WakeLease, viewers: WakeViewer[]) => WakeState>;

/** The operation that woke a sandbox to archive its files, which the id of the lease starts with. */
export function operationOf({ id }: Pick<WakeLease, 'id'>): string | null {
  return /^save-([A-Za-z0-9_-]+)-[A-Za-z0-9_-]{16}$/.exec(id)?.[1] ?? null;
}
