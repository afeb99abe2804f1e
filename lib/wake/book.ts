import 'server-only';
import { noteAccess } from '../access/audit';
import type { AccessKind } from '../access/audit-schema';
import { type Looker, Lookers, viewersFor } from './lookers';
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
import { Visits } from './visits';

type Options = { owner: string; graceMs: number };

const OPEN: readonly LeaseState[] = ['waking', 'awake', 'pausing'];

/** The reviews as this process knows them: read from the database, changed there first, and told to who looks. */
export class WakeBook {
  readonly #owner: string;
  readonly #lookers = new Lookers();
  readonly #visits: Visits;
  #leases = new Map<string, WakeLease>();
  /** Who looks through other processes, by sandbox id. */
  #others: ReadonlyMap<string, readonly Viewer[]> = new Map();
  /** Rises with every change of ours: what was being read meanwhile is no news. */
  #changes = 0;

  constructor({ owner, graceMs }: Options) {
    this.#owner = owner;
    this.#visits = new Visits(graceMs);
  }

  /** Whether anybody here looks at anything. */
  get isLookedAt(): boolean {
    return !this.#lookers.isEmpty;
  }

  /** Reads what every process has written. */
  async read(): Promise<void> {
    const before = this.#changes;
    const [leases, others] = await Promise.all([listLeases(), listOtherViewers(this.#owner)]);
    this.#others = others;
    if (before === this.#changes) this.#leases = new Map(leases.map((lease) => [lease.sandboxId, lease]));
    for (const sandboxId of this.#lookers.sandboxIds()) this.#tell(sandboxId);
  }

  /** Wakes that are not over, oldest first. */
  underWay(): WakeLease[] {
    return [...this.#leases.values()].filter(({ state }) => state !== 'ended');
  }

  /** The review of this sandbox that is under way, or `null`. */
  find(sandboxId: string): WakeLease | null {
    const lease = this.#leases.get(sandboxId);
    return lease === undefined || lease.state === 'ended' ? null : lease;
  }

  /** Those for whom it is kept awake, whichever process they look through. */
  viewersOf(sandboxId: string): Viewer[] {
    return [...this.#lookers.viewersOf(sandboxId), ...(this.#others.get(sandboxId) ?? [])];
  }

  /** Those for whom it is kept awake and who look through this process. */
  ownViewersOf(sandboxId: string): Viewer[] {
    return this.#lookers.viewersOf(sandboxId);
  }

  /** Tells one who looks how it stands and what changes, until the answered function is called. */
  look(sandboxId: string, looker: Looker): () => void {
    const stop = this.#lookers.add(sandboxId, looker);
    this.#tell(sandboxId);
    return () => {
      stop();
      this.#tell(sandboxId);
    };
  }

  /** Writes down who came and who left, apart from those who were expected. */
  async noteVisits({ sandboxId }: WakeLease): Promise<void> {
    const { joined, left } = this.#visits.note(sandboxId, this.#lookers.viewersOf(sandboxId), Date.now());
    for (const viewer of joined) await this.note(viewer, 'review-joined', sandboxId);
    for (const viewer of left) await this.note(viewer, 'review-left', sandboxId);
  }

  /** Somebody whose coming the record tells already. */
  expect(sandboxId: string, viewer: Viewer): void {
    this.#visits.expect(sandboxId, viewer);
  }

  /** Begins a wake. Returns false if one of this sandbox is under way. */
  async begin(lease: WakeLease, leaseMs: number): Promise<boolean> {
    if (!(await beginLease(lease, leaseMs))) return false;
    this.#put(lease);
    return true;
  }

  /** Changes a review that is in one of the states `from`; answers `null` where somebody was quicker. */
  async change(
    { id }: WakeLease,
    from: readonly LeaseState[],
    change: LeaseChange,
  ): Promise<WakeLease | null> {
    const changed = await changeLease(id, from, change);
    if (changed !== null) this.#put(changed);
    return changed;
  }

  /** Takes a review back that never came to anything. */
  async drop({ id, sandboxId }: WakeLease): Promise<void> {
    await dropLease(id);
    this.#changes += 1;
    this.#leases.delete(sandboxId);
    this.#visits.forget(sandboxId);
    this.#tell(sandboxId);
  }

  /** Ends a review and writes down how. Nothing happens where somebody was quicker. */
  async end(
    lease: WakeLease,
    how: WakeEnd,
    { by = null, note = null }: Partial<Pick<WakeEnding, 'by' | 'note'>> = {},
  ): Promise<void> {
    const atMs = Date.now();
    const ending: WakeEnding = { how, by, note, atMs };
    const change = { state: 'ended', ending, problem: null, leaseMs: 0 } as const;
    if ((await this.change(lease, OPEN, change)) === null) return;
    const words = note === null ? END_WORDS[how] : `${END_WORDS[how]}. ${note}`;
    const kind = endsInPause(how) ? 'review-paused' : 'review-ended';
    await this.note(by === null ? null : { actor: by }, kind, lease.sandboxId, words);
    this.#visits.forget(lease.sandboxId);
  }

  /** Adds a line to the record. What has happened has happened, also where the record cannot be written. */
  async note(
    who: Pick<Viewer, 'actor'> | null,
    kind: AccessKind,
    sandboxId: string,
    detail: string | null = null,
  ): Promise<void> {
    await noteAccess(who, { kind, sandboxId, detail }).catch((error) =>
      console.error(`The record lacks ${kind} of ${sandboxId}:`, error),
    );
  }

  #put(lease: WakeLease): void {
    this.#changes += 1;
    this.#leases.set(lease.sandboxId, lease);
    this.#tell(lease.sandboxId);
  }

  #tell(sandboxId: string): void {
    const lease = this.#leases.get(sandboxId);
    const viewers = this.viewersOf(sandboxId);
    this.#lookers.tell(sandboxId, (you) =>
      lease === undefined ? { kind: 'none' } : STATE_OF[lease.state](lease, viewersFor(you, viewers)),
    );
  }
}

/** How each kind of end reads in the record. */
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
    problem,
  }),
  ended: ({ ending }) => (ending === null ? { kind: 'none' } : { kind: 'ended', ...ending }),
} satisfies Record<LeaseState, (lease: WakeLease, viewers: WakeViewer[]) => WakeState>;
