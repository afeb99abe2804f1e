import 'server-only';
import { randomBytes } from 'node:crypto';
import { noteAccess } from '../access/audit';
import { roleSuffices } from '../access/roles';
import { findSessionById, type Session } from '../access/sessions';
import { type ConsoleRules, config } from '../config';
import { SandkeeperError } from '../errors';
import { hasEnded, processOwner } from '../lease/owner';
import type { ChannelCaller, Conversation } from '../live/hub';
import { openEnvd } from '../sandbox-api/envd';
import { singleton } from '../singleton';
import { ConsoleMessage, ConsoleOpening } from './protocol';
import type { ConsoleEnding, ConsoleRequest, ConsolesEvent } from './schema';
import { type ConsoleGuest, ConsoleSession } from './session';
import type { Attachment } from './viewer';

type Parts = {
  rules: ConsoleRules;
  openGuest: (sandboxId: string) => Promise<ConsoleGuest>;
  note: typeof noteAccess;
  findSession: (id: string) => Promise<Pick<Session, 'role'> | null>;
  now?: () => number;
};

type Caller = Pick<Session, 'id' | 'actor'>;

const CHECK_EVERY_MS = 5_000;
/** One that has ended can still be read for this long, ms. */
const KEPT_AFTER_END_MS = 10 * 60_000;
const MAX_ENDED = 32;
/** Changes that come together are told together, ms. */
const GATHER_MS = 30;
const LOOK_MS = 5_000;
const TAG = 'sandkeeper-console';

/** How each ending is written down. */
const ENDING_NOTES = {
  exited: 'the shell exited',
  closed: 'closed',
  idle: 'nothing happened in it',
  too_long: 'it had been open for as long as one may be',
  signed_out: 'who owned it is no longer signed in with that role',
  server_stopped: 'Sandkeeper was stopped',
  gone: 'the sandbox is gone',
  vanished: 'the shell was gone',
  unreachable: 'the sandbox could not be reached',
} satisfies Record<ConsoleEnding, string>;

/** Every console of this process, who may do what with it, and how many there may be. */
export class ConsoleSessions {
  readonly #parts: Parts;
  readonly #now: () => number;
  readonly #sessions = new Map<string, ConsoleSession>();
  /** Consoles that are being started count, too. */
  readonly #starting = new Set<{ id: string; sandboxId: string; actor: string }>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #watched = new Set<string>();
  readonly #owner = processOwner();
  #clock: ReturnType<typeof setInterval> | null = null;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Starts a shell for `caller` and answers its console's id. Never wakes a sandbox and never moves its deadline.
   * @throws SandkeeperError `conflict` at a bound or when the sandbox does not run, `not_found`, `invalid`, `unavailable`
   */
  async open(caller: Caller, input: ConsoleRequest): Promise<string> {
    const { sandboxId } = input;
    const { actor } = caller;
    this.#requireRoom(sandboxId, actor);
    const id = randomBytes(15).toString('base64url');
    const starting = { id, sandboxId, actor };
    this.#starting.add(starting);
    try {
      const guest = await this.#parts.openGuest(sandboxId);
      await this.#endOrphans(guest);
      const user = input.user === null ? '' : ` as ${input.user}`;
      const detail = `a shell${user}`;
      await this.#parts.note(caller, { kind: 'console-opened', sandboxId, path: input.cwd, detail });
      return await this.#start(id, caller, input);
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** What runs in the console beside its shell; `null`: nothing that anybody can tell. @throws SandkeeperError */
  findRunning(caller: Caller, id: string): Promise<string | null> {
    return this.#own(caller, id)
      .findRunning(AbortSignal.timeout(LOOK_MS))
      .catch(() => null);
  }

  /** Ends a console of the caller's, or takes one that has ended off the list. @throws SandkeeperError */
  async close(caller: Caller, id: string): Promise<void> {
    const session = this.#own(caller, id);
    if (session.isOver) this.#forget(session);
    else {
      await session.end('closed');
      this.#forget(session);
    }
  }

  /** Calls it something; an empty name takes that back. @throws SandkeeperError */
  rename(caller: Caller, id: string, name: string): void {
    this.#own(caller, id).rename(name);
  }

  /** The channel `consoles`: what there is in one sandbox, now and whenever that changes. */
  list(send: (event: ConsolesEvent) => void, { key, listener }: ChannelCaller): () => void {
    if (!listener.isAtLeast('operator')) {
      send({ kind: 'forbidden', needs: 'operator' });
      return () => {};
    }
    const tell = () => {
      const consoles = this.#in(key).map((session) => session.info(listener.actor));
      send({ kind: 'list', consoles, sentAtMs: this.#now() });
    };
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(tell));
    tell();
    return () => {
      listeners.delete(tell);
      if (listeners.size === 0) this.#listeners.delete(key);
    };
  }

  /** The channel `console`: one console, for one tab. */
  attend(send: (payload: unknown) => void, caller: ChannelCaller): Conversation {
    const { key, listener, opening, sendBytes, recheck } = caller;
    const nothing = { leave: () => {}, onMessage: () => {}, onBytes: () => {} };
    const session = this.#sessions.get(key);
    const parsed = ConsoleOpening.safeParse(opening);
    if (!listener.isAtLeast('operator')) {
      send({ kind: 'forbidden' });
      return nothing;
    }
    if (session === undefined || !parsed.success) {
      send({ kind: 'unknown' });
      return nothing;
    }
    const who = { actor: listener.actor, sessionId: listener.sessionId, client: parsed.data.client };
    let attachment: Attachment | null = null;
    let hasLeft = false;
    // What cannot be written down is not shown.
    void this.#noteWatching(session, who).then(
      () => {
        if (!hasLeft) attachment = session.attach(who, { send, sendBytes, recheck }, parsed.data);
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
        else void this.#takeOver(session, attachment, who, message.data.size, recheck);
      },
    };
  }

  /** Ends the consoles of those who have signed out or lost the role, without waiting for their next turn. */
  async recheckOwners(): Promise<void> {
    await Promise.all(
      [...this.#sessions.values()].map(async (session) => {
        if (session.isOver) return;
        const { sessionId } = session.owner;
        // When nobody can tell, as when the database is away, it stays as it is until the next turn.
        const owner = await this.#parts.findSession(sessionId).catch(() => 'unknown' as const);
        if (owner === 'unknown' || session.owner.sessionId !== sessionId) return;
        if (owner === null || !roleSuffices(owner.role, 'operator')) await session.end('signed_out');
      }),
    );
  }

  /** Ends all of them, shells included: the server is stopping. */
  async closeAll(): Promise<void> {
    this.#isClosed = true;
    if (this.#clock) clearInterval(this.#clock);
    await Promise.all([...this.#sessions.values()].map((session) => session.end('server_stopped')));
  }

  /** How many there are that have not ended. */
  get size(): number {
    return [...this.#sessions.values()].filter(({ isOver }) => !isOver).length;
  }

  async #start(id: string, caller: Caller, input: ConsoleRequest): Promise<string> {
    const { sandboxId } = input;
    const { rules, openGuest } = this.#parts;
    const number = Math.max(0, ...this.#in(sandboxId).map((session) => session.number)) + 1;
    const owner = { actor: caller.actor, sessionId: caller.id };
    const session: ConsoleSession = new ConsoleSession(id, number, input, owner, this.#tagOf(id), {
      openGuest,
      now: this.#now,
      idleMs: rules.idleMs,
      mostMs: rules.mostMs,
      onChange: () => this.#changed(sandboxId),
      onEnd: (how, exitCode) => this.#noteEnd(session, how, exitCode),
    });
    await session.start();
    if (this.#isClosed) {
      await session.end('server_stopped');
      throw new SandkeeperError('unavailable', 'Sandkeeper is being stopped.');
    }
    this.#sessions.set(id, session);
    this.#clock ??= setInterval(() => void this.#check(), CHECK_EVERY_MS).unref();
    this.#changed(sandboxId);
    return id;
  }

  /** Looks at the clock for all of them: says that an end is near, or makes it. */
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
    who: { actor: string },
    size: ConsoleRequest['size'],
    recheck: () => Promise<boolean>,
  ): Promise<void> {
    if (session.isOver || !(await recheck())) return;
    try {
      if (session.owner.actor !== who.actor)
        await this.#parts.note(who, {
          kind: 'console-taken-over',
          sandboxId: session.input.sandboxId,
          detail: `from ${session.owner.actor}`,
        });
      attachment.takeOver(size);
    } catch (error) {
      console.error('Taking over a console could not be recorded.', error);
    }
  }

  /** Once for each person and console, however often the connection breaks. */
  async #noteWatching(session: ConsoleSession, { actor }: { actor: string }): Promise<void> {
    const once = `${session.id} ${actor}`;
    if (session.owner.actor === actor || this.#watched.has(once)) return;
    const { sandboxId } = session.input;
    const detail = `of ${session.owner.actor}`;
    await this.#parts.note({ actor }, { kind: 'console-watched', sandboxId, detail });
    this.#watched.add(once);
  }

  #noteEnd(session: ConsoleSession, how: ConsoleEnding, exitCode: number | null): void {
    const who = how === 'closed' || how === 'exited' ? session.owner : null;
    const code = exitCode === null ? '' : ` with ${exitCode}`;
    const detail = `${ENDING_NOTES[how]}${code}`;
    this.#parts
      .note(who, { kind: 'console-closed', sandboxId: session.input.sandboxId, detail })
      .catch((error: unknown) => console.error('The end of a console could not be recorded.', error));
  }

  #requireRoom(sandboxId: string, actor: string): void {
    if (this.#isClosed) throw new SandkeeperError('unavailable', 'Sandkeeper is being stopped.');
    const { perSandbox, perPerson, total } = this.#parts.rules;
    const open = [...this.#sessions.values()].filter(({ isOver }) => !isOver);
    const all = [
      ...open.map(({ input, owner }) => ({ sandboxId: input.sandboxId, actor: owner.actor })),
      ...this.#starting,
    ];
    const refuse = (where: string, most: number) => {
      throw new SandkeeperError('conflict', `There are ${most} consoles ${where} already. Close one first.`);
    };
    if (all.filter((each) => each.sandboxId === sandboxId).length >= perSandbox)
      refuse('in this sandbox', perSandbox);
    if (all.filter((each) => each.actor === actor).length >= perPerson) refuse('of yours', perPerson);
    if (all.length >= total) refuse('altogether', total);
  }

  /** A console that the caller may end or rename: their own. Others take it over first. */
  #own(caller: Caller, id: string): ConsoleSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new SandkeeperError('not_found', 'This console is no longer there.');
    if (session.owner.actor === caller.actor || session.isOver) return session;
    throw new SandkeeperError(
      'forbidden',
      `This console is ${session.owner.actor}’s. Take it over first, then it is yours to change.`,
    );
  }

  #in(sandboxId: string): ConsoleSession[] {
    return [...this.#sessions.values()].filter(({ input }) => input.sandboxId === sandboxId);
  }

  #forget(session: ConsoleSession): void {
    this.#sessions.delete(session.id);
    for (const once of this.#watched) if (once.startsWith(`${session.id} `)) this.#watched.delete(once);
    this.#changed(session.input.sandboxId);
  }

  #changed(sandboxId: string): void {
    if (!this.#listeners.has(sandboxId) || this.#timers.has(sandboxId)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(sandboxId);
      for (const tell of this.#listeners.get(sandboxId) ?? []) tell();
    }, GATHER_MS);
    this.#timers.set(sandboxId, timer.unref());
  }

  #isThere(id: string): boolean {
    const isStarting = [...this.#starting].some((starting) => starting.id === id);
    return isStarting || this.#sessions.get(id)?.isOver === false;
  }

  #tagOf(id: string): string {
    return `${TAG} ${this.#owner} ${id}`;
  }

  /**
   * Shells that nobody can reach any more: of a server on this machine that has crashed, and of consoles of ours that
   * ended while their sandbox was paused or away.
   */
  async #endOrphans(guest: ConsoleGuest): Promise<void> {
    const signal = AbortSignal.timeout(LOOK_MS);
    const tagged = await guest.listTagged(signal).catch(() => []);
    const orphans = tagged.filter(({ tag }) => {
      const [name, owner, id = ''] = tag.split(' ');
      if (name !== TAG || owner === undefined) return false;
      return owner === this.#owner ? !this.#isThere(id) : hasEnded(owner, this.#owner);
    });
    await Promise.all(orphans.map(({ pid }) => guest.signalProcess(pid, 'SIGKILL', signal).catch(() => {})));
  }
}

/** The consoles of this process. */
export function consoleSessions(): ConsoleSessions {
  return singleton(
    'console-sessions',
    () =>
      new ConsoleSessions({
        rules: config().console,
        openGuest: openEnvd,
        note: noteAccess,
        findSession: findSessionById,
      }),
  );
}
