import 'server-only';
import { findItem } from '../operations/record/store';
import { isFinal, OPERATION_ID } from '../operations/schema';
import { SandboxId } from '../sandbox/schema';
import { singleton } from '../singleton';
import { KeptOutput } from './kept-output';
import type { CommandEvent, OutputName } from './schema';
import { runKey } from './schema';
import { type CommandId, findCommand } from './store';

type Tell = (event: CommandEvent) => void;

const TELL_EVERY_MS = 100;
/** How often is looked whether a command that another process runs has ended. */
const LOOK_EVERY_MS = 1_000;

/** The commands that this process runs now, and who watches what they write. What is written meanwhile is told together. */
export class LiveCommands {
  readonly #feeds = new Map<string, CommandFeed>();
  readonly #listeners = new Map<string, Set<Tell>>();

  /** A command is about to be sent. */
  begin(id: CommandId, startedAtMs: number): CommandFeed {
    const key = runKey(id.operationId, id.sandboxId);
    const feed = new CommandFeed(startedAtMs, {
      tell: (event) => {
        const told = [...(this.#listeners.get(key) ?? [])];
        // Nothing comes after it.
        if (event.kind === 'ended') this.#listeners.delete(key);
        for (const tell of told) tell(event);
      },
      forget: () => this.#feeds.delete(key),
    });
    this.#feeds.set(key, feed);
    feed.tellWhole();
    return feed;
  }

  /**
   * Tells what a command has written so far and from then on, until the answered function is called or until `ended`.
   * One that has ended is told from the record.
   */
  listen(key: string, tell: Tell): () => void {
    const id = readKey(key);
    if (id === null) {
      tell({ kind: 'refused', message: 'There is no such command.' });
      return () => {};
    }
    const listeners = this.#listeners.get(key) ?? new Set<Tell>();
    this.#listeners.set(key, listeners.add(tell));
    const leave = () => {
      listeners.delete(tell);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
    this.#feeds.get(key)?.tellWhole(tell);
    const isListening = () => listeners.has(tell) && this.#listeners.get(key) === listeners;
    void this.#awaitEnd(id, tell, isListening).finally(() => leave());
    return leave;
  }

  /** Watches the record while the command does not run in this process: not yet, not here, or no longer. */
  async #awaitEnd(id: CommandId, tell: Tell, isListening: () => boolean): Promise<void> {
    const isHere = () => this.#feeds.has(runKey(id.operationId, id.sandboxId));
    let hasWaited = false;
    for (;;) {
      // Its feed tells its own end.
      if (isHere()) hasWaited = false;
      else {
        const read = await Promise.all([findItem(id), findCommand(id)]).catch(() => null);
        if (!isListening()) return;
        const [item, run] = read ?? [undefined, null];
        if (item === null) return tell({ kind: 'refused', message: 'There is no such command.' });
        if (item && isFinal(item.outcome) && !isHere())
          return tell({ kind: 'ended', run, outcome: item.outcome, message: item.message });
        if (!hasWaited && !isHere()) tell({ kind: 'waiting' });
        hasWaited = true;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
      if (!isListening()) return;
    }
  }
}

/** What one command writes, kept and told. */
export class CommandFeed {
  readonly #ways: { tell: Tell; forget: () => void };
  readonly stdout = new KeptOutput();
  readonly stderr = new KeptOutput();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly startedAtMs: number,
    ways: { tell: Tell; forget: () => void },
  ) {
    this.#ways = ways;
  }

  add(name: OutputName, bytes: Uint8Array): void {
    this[name].add(bytes);
    this.#timer ??= setTimeout(() => this.#tellNews(), TELL_EVERY_MS);
  }

  /** Says all there is so far, to one or to everybody. */
  tellWhole(tell: Tell = this.#ways.tell): void {
    // What has not been told yet would otherwise come a second time.
    this.#tellNews();
    const [stdout, stderr] = [this.stdout.text(false), this.stderr.text(false)];
    tell({ kind: 'output', startedAtMs: this.startedAtMs, stdout, stderr });
  }

  /** It is over; whoever comes from now on is told from the record. */
  end(event: CommandEvent & { kind: 'ended' }): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#ways.forget();
    this.#ways.tell(event);
  }

  /** This process no longer follows it, or it was never started: the record tells how it goes on. */
  leave(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#ways.forget();
  }

  #tellNews(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const [stdout, stderr] = [this.stdout.takeNews(), this.stderr.takeNews()];
    if (stdout === null && stderr === null) return;
    this.#ways.tell({ kind: 'more', ...(stdout && { stdout }), ...(stderr && { stderr }) });
  }
}

function readKey(key: string): CommandId | null {
  const [operationId = '', sandboxId, ...rest] = key.split(' ');
  const id = SandboxId.safeParse(sandboxId);
  return OPERATION_ID.test(operationId) && id.success && rest.length === 0
    ? { operationId, sandboxId: id.data }
    : null;
}

/** The commands of this process. */
export function liveCommands(): LiveCommands {
  return singleton('live-runs', () => new LiveCommands());
}
