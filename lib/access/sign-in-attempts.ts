import 'server-only';
import { database } from '../db/client';
import { SandkeeperError } from '../errors';
import { limitKeyOf } from '../http/client-address';
import { singleton } from '../singleton';
import { noteSignIn } from './audit';

const INITIAL_DELAY_MS = 250;
const MAX_DELAY_MS = 8_000;
const RESET_AFTER_MS = 10 * 60 * 1000;
/** Wrong attempts at one account that slow nobody down: they may come from its own person, or from many addresses. */
const FREE_PER_ACCOUNT = 20;
/** Answers that are held back at a time in this process, for one address and in all. Each of them is one write. */
const MAX_HELD_PER_ADDRESS = 4;
const MAX_HELD = 200;
const MAX_UNCOUNTED = 10_000;
/** The first wrong attempt is in the access log, then the fifth, the twenty-fifth and so on: a guesser cannot fill it. */
const LOGGED_BASE = 5;

/** Where an attempt comes from, and at what: `account` is the id of a person, `null` while it is unknown. */
export type AttemptPlace = { address: string; account: string | null };
/** `wrong`: what to tell the person. `method` names the way of signing in, for the access log. */
export type Attempt<T> = { right: T } | { wrong: string };

/**
 * Slows down guessing, per address and per account, for all processes of a database. A right attempt is accepted at once,
 * whatever anybody has tried before: guesses must not lock people out. Each wrong one doubles the delay of the next
 * answer, up to 8 s. Beyond a few held answers, wrong attempts fail at once with `rate_limited` and the time to wait.
 */
export class SignInAttempts {
  /** Held answers by limit key. */
  readonly #held = new Map<string, number>();
  /** Wrong attempts that were refused at once. They are added with the next one that is written. */
  readonly #uncounted = new Map<string, number>();
  readonly #wait: (ms: number) => Promise<unknown>;
  #heldInAll = 0;

  constructor({ wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) } = {}) {
    this.#wait = wait;
  }

  /** Returns what a right `attempt` found. Throws `unauthenticated` or `rate_limited` for a wrong one. */
  async run<T>(place: AttemptPlace, method: string, attempt: () => Promise<Attempt<T>>): Promise<T> {
    const result = await attempt();
    const keys = keysOf(place);
    if ('right' in result) {
      await this.#forgive(keys);
      return result.right;
    }
    const [address] = keys;
    if (this.#heldInAll >= MAX_HELD || (this.#held.get(address) ?? 0) >= MAX_HELD_PER_ADDRESS) {
      this.#leaveUncounted(keys);
      throw tooMany(result.wrong, MAX_DELAY_MS);
    }
    this.#hold(address, 1);
    try {
      const { delayMs, failures, added } = await this.#count(keys);
      if (isLogged(failures, added))
        await noteSignIn(null, { kind: 'sign-in-refused', detail: refusalText(method, place, failures) });
      await this.#wait(delayMs);
    } finally {
      this.#hold(address, -1);
    }
    throw new SandkeeperError('unauthenticated', result.wrong);
  }

  #hold(address: string, change: 1 | -1): void {
    const held = (this.#held.get(address) ?? 0) + change;
    if (held === 0) this.#held.delete(address);
    else this.#held.set(address, held);
    this.#heldInAll += change;
  }

  #leaveUncounted(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#uncounted.size < MAX_UNCOUNTED || this.#uncounted.has(key))
        this.#uncounted.set(key, (this.#uncounted.get(key) ?? 0) + 1);
    }
  }

  /** Adds a wrong attempt. Returns how long to hold its answer, ms, and the number at the address. */
  async #count([address, account]: Keys): Promise<Count & { delayMs: number }> {
    const here = await this.#countAt(address);
    const atAccount = account === undefined ? 0 : (await this.#countAt(account)).failures;
    const delayMs = Math.max(delayAfter(here.failures), delayAfter(atAccount - FREE_PER_ACCOUNT));
    return { ...here, delayMs };
  }

  async #countAt(key: string): Promise<Count> {
    const added = 1 + (this.#uncounted.get(key) ?? 0);
    this.#uncounted.delete(key);
    const db = await database();
    const nowMs = Date.now();
    const row = await db
      .insertInto('sign_in_failures')
      .values({ limit_key: key, failures: added, last_at_ms: nowMs })
      .onConflict((conflict) =>
        conflict.column('limit_key').doUpdateSet((row) => ({
          failures: row
            .case()
            .when('sign_in_failures.last_at_ms', '<', nowMs - RESET_AFTER_MS)
            .then(added)
            .else(row('sign_in_failures.failures', '+', added))
            .end(),
          last_at_ms: nowMs,
        })),
      )
      .returning('failures')
      .executeTakeFirstOrThrow();
    const failures = Number(row.failures);
    if (failures === added) {
      await db
        .deleteFrom('sign_in_failures')
        .where('last_at_ms', '<', nowMs - RESET_AFTER_MS)
        .execute();
    }
    return { failures, added };
  }

  async #forgive(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#uncounted.delete(key);
    const db = await database();
    await db
      .deleteFrom('sign_in_failures')
      .where('limit_key', 'in', [...keys])
      .execute();
  }
}

/** `added`: those that were written now, one or more. */
type Count = { failures: number; added: number };
type Keys = readonly [address: string] | readonly [address: string, account: string];

function keysOf({ address, account }: AttemptPlace): Keys {
  const key = `address ${limitKeyOf(address)}`;
  return account === null ? [key] : [key, `account ${account}`];
}

function delayAfter(failures: number): number {
  return failures <= 0 ? 0 : Math.min(INITIAL_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS);
}

/** Whether one of those that were added is due in the access log. */
function isLogged(failures: number, added: number): boolean {
  let due = 1;
  while (due * LOGGED_BASE <= failures) due *= LOGGED_BASE;
  return due > failures - added;
}

function refusalText(method: string, { address }: AttemptPlace, failures: number): string {
  const from = `${method}, from ${address === '' ? 'an unknown address' : address}`;
  return failures === 1 ? from : `${from}: ${failures} wrong attempts within 10 minutes`;
}

function tooMany(wrong: string, waitMs: number): SandkeeperError {
  return new SandkeeperError(
    'rate_limited',
    `${wrong} There were many wrong attempts from your address. Wait ${waitMs / 1000} seconds before you try another.`,
    { retryAfterMs: waitMs },
  );
}

/** The attempts at this process. */
export function signInAttempts(): SignInAttempts {
  return singleton('sign-in-attempts', () => new SignInAttempts());
}
