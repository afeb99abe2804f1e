import 'server-only';
import { findItem } from '../operations/record/store';
import { isFinal, OPERATION_ID } from '../operations/schema';
import { SandboxKey } from '../sandbox-key';
import { singleton } from '../singleton';
import { followHeldOutput } from './held-output';
import { KeptOutput } from './kept-output';
import type { CommandEvent, OutputName } from './schema';
import { runKey } from './schema';
import { type CommandId, findCommand } from './store';

type Listener = (event: CommandEvent) => void;

const PUBLISH_EVERY_MS = 100;
/** How often to check whether a command of another process has ended. */
const POLL_MS = 1_000;

/** The commands that this process runs, and their listeners. Output is published in batches. */
export class LiveCommands {
  readonly #feeds = new Map<string, CommandFeed>();
  readonly #listeners = new Map<string, Set<Listener>>();

  /** Call before a command is sent. */
  begin(id: CommandId, startedAtMs: number): CommandFeed {
    const key = runKey(id.operationId, id.sandboxKey);
    const feed = new CommandFeed(startedAtMs, {
      publish: (event) => {
        const listeners = [...(this.#listeners.get(key) ?? [])];
        if (event.kind === 'ended') this.#listeners.delete(key);
        for (const listener of listeners) listener(event);
      },
      close: () => this.#feeds.delete(key),
    });
    this.#feeds.set(key, feed);
    feed.publishAll();
    return feed;
  }

  /**
   * Sends `listener` the output so far, then every change until `ended`. A command that has ended is read from the
   * record. Returns a function that unsubscribes.
   */
  subscribe(key: string, listener: Listener): () => void {
    const id = parseKey(key);
    if (id === null) return refuse(listener);
    const listeners = this.#listeners.get(key) ?? new Set<Listener>();
    this.#listeners.set(key, listeners.add(listener));
    const leave = () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
    this.#feeds.get(key)?.publishAll(listener);
    const isListening = () => listeners.has(listener) && this.#listeners.get(key) === listeners;
    void this.#awaitEnd(id, listener, isListening).finally(() => leave());
    return leave;
  }

  /** Sends `listener` what others write after the end of the shell, until `released`. Returns a function that unsubscribes. */
  subscribeToHeld(key: string, listener: Listener): () => void {
    const id = parseKey(key);
    return id === null ? refuse(listener) : followHeldOutput(id, listener);
  }

  /** Polls the record while the command does not run in this process. */
  async #awaitEnd(id: CommandId, listener: Listener, isListening: () => boolean): Promise<void> {
    const isHere = () => this.#feeds.has(runKey(id.operationId, id.sandboxKey));
    let hasWaited = false;
    for (;;) {
      // The feed publishes its own end.
      if (isHere()) hasWaited = false;
      else {
        const read = await Promise.all([findItem(id), findCommand(id)]).catch(() => null);
        if (!isListening()) return;
        const [item, run] = read ?? [undefined, null];
        if (item === null) return listener({ kind: 'refused', message: 'This command does not exist.' });
        if (item && isFinal(item.outcome) && !isHere())
          return listener({ kind: 'ended', run, outcome: item.outcome, message: item.message });
        if (!hasWaited && !isHere()) listener({ kind: 'waiting' });
        hasWaited = true;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS).unref());
      if (!isListening()) return;
    }
  }
}

/** The output of one running command. */
export class CommandFeed {
  readonly #options: { publish: Listener; close: () => void };
  readonly stdout = new KeptOutput();
  readonly stderr = new KeptOutput();
  #timer: NodeJS.Timeout | null = null;
  /** Why nothing arrives now. */
  #interruption: string | null = null;

  constructor(
    readonly startedAtMs: number,
    options: { publish: Listener; close: () => void },
  ) {
    this.#options = options;
  }

  add(name: OutputName, bytes: Uint8Array): void {
    this[name].add(bytes);
    this.#timer ??= setTimeout(() => this.#publishPending(), PUBLISH_EVERY_MS);
  }

  /** Sends the whole output so far to one listener, or to all. */
  publishAll(listener: Listener = this.#options.publish): void {
    // Otherwise the pending output would be sent twice.
    this.#publishPending();
    const [stdout, stderr] = [this.stdout.text(false), this.stderr.text(false)];
    listener({ kind: 'output', startedAtMs: this.startedAtMs, stdout, stderr });
    if (this.#interruption !== null) listener({ kind: 'interrupted', message: this.#interruption });
  }

  /** Publishes that nothing arrives for a while. */
  interrupt(message: string): void {
    if (this.#interruption === message) return;
    this.#interruption = message;
    this.#publishPending();
    this.#options.publish({ kind: 'interrupted', message });
  }

  /** Publishes that output arrives again. */
  resume(): void {
    this.#interruption = null;
    this.publishAll();
  }

  /** Publishes the end. From now on, the record is read. */
  end(event: CommandEvent & { kind: 'ended' }): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#options.close();
    this.#options.publish(event);
  }

  /** Closes the feed without an end: this process no longer follows the command, or it was never started. */
  leave(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#options.close();
  }

  #publishPending(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const [stdout, stderr] = [this.stdout.takePending(), this.stderr.takePending()];
    if (stdout === null && stderr === null) return;
    this.#options.publish({ kind: 'more', ...(stdout && { stdout }), ...(stderr && { stderr }) });
  }
}

function refuse(listener: Listener): () => void {
  listener({ kind: 'refused', message: 'This command does not exist.' });
  return () => {};
}

function parseKey(key: string): CommandId | null {
  const [operationId = '', sandboxKey, ...rest] = key.split(' ');
  const id = SandboxKey.safeParse(sandboxKey);
  return OPERATION_ID.test(operationId) && id.success && rest.length === 0
    ? { operationId, sandboxKey: id.data }
    : null;
}

/** The commands of this process. */
export function liveCommands(): LiveCommands {
  return singleton('live-runs', () => new LiveCommands());
}
