import 'server-only';
import { randomBytes } from 'node:crypto';
import { noteAccess } from '../access/audit';
import { findSessionById, type Session, type Who } from '../access/sessions';
import { type ConsoleRules, config } from '../config';
import { SandkeeperError } from '../errors';
import { mayIn } from '../grants';
import { hasEnded, processOwner } from '../lease/owner';
import type { Subscriber, Subscription } from '../live/hub';
import { apiOf } from '../sandbox-api/configured';
import { type ConnectionName, connectionOf, SandboxKey } from '../sandbox-key';
import { singleton } from '../singleton';
import { ConsoleJoin, ConsoleMessage } from './protocol';
import type { ConsoleEnding, ConsoleRequest, ConsolesEvent } from './schema';
import { ConsoleSession } from './session';
import type { ConsoleEnvd } from './shell-connection';
import type { Attachment, ViewerIdentity } from './viewer';

type Options = {
  rules: ConsoleRules;
  openEnvd: (sandboxKey: SandboxKey) => Promise<ConsoleEnvd>;
  recordAccess: typeof noteAccess;
  findSession: (id: string) => Promise<Pick<Session, 'grants'> | null>;
  now?: () => number;
};

type Caller = Who & Pick<Session, 'id'>;

const CHECK_EVERY_MS = 5_000;
/** The output of an ended console stays readable for this long, ms. */
const KEPT_AFTER_END_MS = 10 * 60_000;
const MAX_ENDED = 32;
/** Changes within this time are published together, ms. */
const BATCH_MS = 30;
const READ_MS = 5_000;
const TAG = 'sandkeeper-console';

/** How each ending reads in the audit log. */
const AUDIT_DETAILS = {
  exited: 'the shell exited',
  closed: 'closed',
  idle: 'idle for too long',
  too_long: 'reached the longest time that a console may be open',
  signed_out: 'the owner signed out or lost the role',
  server_stopped: 'Sandkeeper was stopped',
  gone: 'the sandbox was terminated',
  vanished: 'the shell was ended inside the sandbox',
  unreachable: 'the sandbox could not be reached',
} satisfies Record<ConsoleEnding, string>;

/** The consoles of this process. Enforces permissions and limits. */
export class ConsoleSessions {
  readonly #options: Options;
  readonly #now: () => number;
  readonly #sessions = new Map<string, ConsoleSession>();
  /** Consoles that are starting. They count toward the limits. */
  readonly #starting = new Set<{ id: string; sandboxKey: SandboxKey; userId: string }>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Recorded accesses of watchers, as console id and person. */
  readonly #watched = new Set<string>();
  readonly #owner = processOwner();
  #clock: ReturnType<typeof setInterval> | null = null;
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Starts a shell for `caller` and resolves to the console's id. Never wakes a sandbox or moves its deadline.
   * @throws SandkeeperError `conflict` at a limit or if the sandbox is not running, `not_found`, `invalid`, `unavailable`
   */
  async open(caller: Caller, request: ConsoleRequest): Promise<string> {
    const { sandboxKey } = request;
    const { userId } = caller;
    this.#requireRoom(sandboxKey, userId);
    const id = randomBytes(15).toString('base64url');
    const starting = { id, sandboxKey, userId };
    this.#starting.add(starting);
    try {
      const envd = await this.#options.openEnvd(sandboxKey);
      await this.#killOrphans(envd);
      const user = request.user === null ? '' : ` as ${request.user}`;
      const detail = `a shell${user}`;
      await this.#options.recordAccess(caller, {
        kind: 'console-opened',
        sandboxKey,
        path: request.cwd,
        detail,
      });
      return await this.#start(id, caller, request);
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** The program in the console's foreground; `null` if there is none or it cannot be read. @throws SandkeeperError */
  findRunning(caller: Caller, id: string): Promise<string | null> {
    return this.#requireOwn(caller, id)
      .findRunning(AbortSignal.timeout(READ_MS))
      .catch(() => null);
  }

  /** Ends a console of the caller, or removes an ended one from the list. @throws SandkeeperError */
  async close(caller: Caller, id: string): Promise<void> {
    const session = this.#requireOwn(caller, id);
    if (!session.isOver) await session.end('closed');
    this.#forget(session);
  }

  /** Names a console. An empty name removes its name. @throws SandkeeperError */
  rename(caller: Caller, id: string, name: string): void {
    this.#requireOwn(caller, id).rename(name);
  }

  /** The connection of a console. Empty for an unknown one. */
  connectionsOf(id: string): ConnectionName[] {
    const session = this.#sessions.get(id);
    return session === undefined ? [] : [connectionOf(session.request.sandboxKey)];
  }

  /** Serves the channel `consoles`: the consoles in one sandbox, now and after each change. */
  subscribeToList(send: (event: ConsolesEvent) => void, { key, session }: Subscriber): () => void {
    const { data: sandboxKey } = SandboxKey.safeParse(key);
    const publish = () => {
      const consoles = (sandboxKey === undefined ? [] : this.#consolesOf(sandboxKey)).map((each) =>
        each.info(session.userId),
      );
      send({ kind: 'list', consoles, sentAtMs: this.#now() });
    };
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(publish));
    publish();
    return () => {
      listeners.delete(publish);
      if (listeners.size === 0) this.#listeners.delete(key);
    };
  }

  /** Serves the channel `console`: one console, for one tab. */
  subscribe(send: (payload: unknown) => void, subscriber: Subscriber): Subscription {
    const { key, session, joinPayload, sendBytes, recheck } = subscriber;
    const nothing = { leave: () => {}, onMessage: () => {}, onBytes: () => {} };
    const target = this.#sessions.get(key);
    const join = ConsoleJoin.safeParse(joinPayload);
    if (target === undefined || !join.success) {
      send({ kind: 'unknown' });
      return nothing;
    }
    const { userId, actor, sessionId } = session;
    const identity: ViewerIdentity = { userId, actor, sessionId, client: join.data.client };
    let attachment: Attachment | null = null;
    let hasLeft = false;
    // A console is shown only if the access can be recorded.
    void this.#recordWatching(target, identity).then(
      () => {
        if (!hasLeft) attachment = target.attach(identity, { send, sendBytes, recheck }, join.data);
      },
      (error: unknown) => {
        console.error('Watching a console could not be recorded.', error);
        send({ kind: 'unknown' });
      },
    );
    return {
      leave: () => {
        hasLeft = true;
        attachment?.leave();
      },
      onBytes: (bytes) => attachment?.onBytes(bytes),
      onMessage: (payload) => {
        const message = ConsoleMessage.safeParse(payload);
        if (!message.success || attachment === null) return;
        if (message.data.kind !== 'take-over') attachment.onMessage(message.data);
        else void this.#takeOver(target, attachment, identity, message.data.size, recheck);
      },
    };
  }

  /** Ends the consoles of owners who have signed out or lost the role. */
  async recheckOwners(): Promise<void> {
    await Promise.all(
      [...this.#sessions.values()].map(async (session) => {
        if (session.isOver) return;
        const { sessionId } = session.owner;
        // If the database is down, the console stays open until the next check.
        const owner = await this.#options.findSession(sessionId).catch(() => 'unknown' as const);
        if (owner === 'unknown' || session.owner.sessionId !== sessionId) return;
        const connection = connectionOf(session.request.sandboxKey);
        if (owner === null || !mayIn(owner.grants, 'operator', connection)) await session.end('signed_out');
      }),
    );
  }

  /** Ends all consoles and their shells before the server stops. */
  async closeAll(): Promise<void> {
    this.#isClosed = true;
    if (this.#clock) clearInterval(this.#clock);
    await Promise.all([...this.#sessions.values()].map((session) => session.end('server_stopped')));
  }

  /** The number of consoles that have not ended. */
  get size(): number {
    return [...this.#sessions.values()].filter(({ isOver }) => !isOver).length;
  }

  async #start(id: string, caller: Caller, request: ConsoleRequest): Promise<string> {
    const { sandboxKey } = request;
    const { rules } = this.#options;
    const number = Math.max(0, ...this.#consolesOf(sandboxKey).map((session) => session.number)) + 1;
    const { userId, actor } = caller;
    const owner = { userId, actor, sessionId: caller.id };
    const session: ConsoleSession = new ConsoleSession(id, number, request, owner, this.#tagOf(id), {
      openEnvd: this.#options.openEnvd,
      now: this.#now,
      idleMs: rules.idleMs,
      maxMs: rules.maxMs,
      onChange: () => this.#scheduleList(sandboxKey),
      onEnd: (how, exitCode) => this.#recordEnd(session, how, exitCode),
    });
    await session.start();
    if (this.#isClosed) {
      await session.end('server_stopped');
      throw stopping();
    }
    this.#sessions.set(id, session);
    this.#clock ??= setInterval(() => void this.#check(), CHECK_EVERY_MS).unref();
    this.#scheduleList(sandboxKey);
    return id;
  }

  /** Ends the consoles whose time is up and announces ends that are near. */
  checkTimes(): void {
    for (const session of this.#sessions.values()) session.checkTime();
  }

  async #check(): Promise<void> {
    this.checkTimes();
    const ended = [...this.#sessions.values()].filter(({ isOver }) => isOver);
    const tooMany = ended.length - MAX_ENDED;
    for (const [at, session] of ended.entries()) {
      const isOld = this.#now() - (session.endedAtMs ?? 0) > KEPT_AFTER_END_MS && !session.isWatched;
      if (isOld || at < tooMany) this.#forget(session);
    }
    await this.recheckOwners();
  }

  async #takeOver(
    session: ConsoleSession,
    attachment: Attachment,
    { userId, actor }: Who,
    size: ConsoleRequest['size'],
    recheck: () => Promise<boolean>,
  ): Promise<void> {
    if (session.isOver || !(await recheck())) return;
    try {
      if (session.owner.userId !== userId) {
        const { sandboxKey } = session.request;
        const detail = `from ${session.owner.actor}`;
        const taking = { kind: 'console-taken-over', sandboxKey, detail } as const;
        await this.#options.recordAccess({ userId, actor }, taking);
      }
      attachment.takeOver(size);
    } catch (error) {
      console.error('Taking over a console could not be recorded.', error);
    }
  }

  /** Records each person once per console, however often they reconnect. */
  async #recordWatching(session: ConsoleSession, { userId, actor }: Who): Promise<void> {
    const key = `${session.id} ${userId}`;
    if (session.owner.userId === userId || this.#watched.has(key)) return;
    const { sandboxKey } = session.request;
    const detail = `of ${session.owner.actor}`;
    await this.#options.recordAccess({ userId, actor }, { kind: 'console-watched', sandboxKey, detail });
    this.#watched.add(key);
  }

  #recordEnd(session: ConsoleSession, how: ConsoleEnding, exitCode: number | null): void {
    const actor = how === 'closed' || how === 'exited' ? session.owner : null;
    const code = exitCode === null ? '' : ` with ${exitCode}`;
    const detail = `${AUDIT_DETAILS[how]}${code}`;
    this.#options
      .recordAccess(actor, { kind: 'console-closed', sandboxKey: session.request.sandboxKey, detail })
      .catch((error: unknown) => console.error('The end of a console could not be recorded.', error));
  }

  #requireRoom(sandboxKey: SandboxKey, userId: string): void {
    if (this.#isClosed) throw stopping();
    const { perSandbox, perPerson, total } = this.#options.rules;
    const open = [...this.#sessions.values()].filter(({ isOver }) => !isOver);
    const all = [
      ...open.map(({ request, owner }) => ({ sandboxKey: request.sandboxKey, userId: owner.userId })),
      ...this.#starting,
    ];
    const refuse = (message: string) => {
      throw new SandkeeperError('conflict', `${message} Close one first.`);
    };
    if (all.filter((each) => each.sandboxKey === sandboxKey).length >= perSandbox)
      refuse(`This sandbox already has ${perSandbox} open consoles.`);
    if (all.filter((each) => each.userId === userId).length >= perPerson)
      refuse(`You already have ${perPerson} open consoles.`);
    if (all.length >= total) refuse(`This server already has ${total} open consoles.`);
  }

  /** A console may be ended or renamed by its owner. Other people have to take it over first. */
  #requireOwn(caller: Caller, id: string): ConsoleSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new SandkeeperError('not_found', 'This console no longer exists.');
    if (session.owner.userId === caller.userId || session.isOver) return session;
    throw new SandkeeperError(
      'forbidden',
      `This console belongs to ${session.owner.actor}. Take it over to change it.`,
    );
  }

  #consolesOf(sandboxKey: SandboxKey): ConsoleSession[] {
    return [...this.#sessions.values()].filter(({ request }) => request.sandboxKey === sandboxKey);
  }

  #forget(session: ConsoleSession): void {
    this.#sessions.delete(session.id);
    for (const key of this.#watched) if (key.startsWith(`${session.id} `)) this.#watched.delete(key);
    this.#scheduleList(session.request.sandboxKey);
  }

  #scheduleList(sandboxKey: SandboxKey): void {
    if (!this.#listeners.has(sandboxKey) || this.#timers.has(sandboxKey)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(sandboxKey);
      for (const publish of this.#listeners.get(sandboxKey) ?? []) publish();
    }, BATCH_MS);
    this.#timers.set(sandboxKey, timer.unref());
  }

  #isOpen(id: string): boolean {
    const isStarting = [...this.#starting].some((starting) => starting.id === id);
    return isStarting || this.#sessions.get(id)?.isOver === false;
  }

  #tagOf(id: string): string {
    return `${TAG} ${this.#owner} ${id}`;
  }

  /**
   * Kills shells without a console: those of a crashed server on this machine, and those of consoles that ended while
   * their sandbox was paused or unreachable.
   */
  async #killOrphans(envd: ConsoleEnvd): Promise<void> {
    const signal = AbortSignal.timeout(READ_MS);
    const processes = await envd.listProcesses(signal).catch(() => []);
    const orphans = processes.filter(({ tag }) => {
      const [name, owner, id = ''] = tag?.split(' ') ?? [];
      if (name !== TAG || owner === undefined) return false;
      return owner === this.#owner ? !this.#isOpen(id) : hasEnded(owner, this.#owner);
    });
    await Promise.all(orphans.map(({ pid }) => envd.signalProcess(pid, 'SIGKILL', signal).catch(() => {})));
  }
}

function stopping(): SandkeeperError {
  return new SandkeeperError('unavailable', 'Sandkeeper is stopping. Try again when it is back.');
}

export function consoleSessions(): ConsoleSessions {
  return singleton(
    'console-sessions',
    () =>
      new ConsoleSessions({
        rules: config().console,
        openEnvd: (sandboxKey) => apiOf(sandboxKey).openEnvd(sandboxKey),
        recordAccess: noteAccess,
        findSession: findSessionById,
      }),
  );
}
