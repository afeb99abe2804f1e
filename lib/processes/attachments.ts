import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { noteAccess } from '../access/audit';
import type { Who } from '../access/sessions';
import { KeptOutput } from '../commands/kept-output';
import { SandkeeperError } from '../errors';
import { waitForResume } from '../fleet/wait-for-resume';
import { apiOf } from '../sandbox-api/configured';
import { NOT_RUNNING } from '../sandbox-api/envd';
import { PROCESS_GONE } from '../sandbox-api/envd-processes';
import { singleton } from '../singleton';
import { requireProcess } from './list';
import { type AttachmentEvent, type ProcessInfo, ProcessRequest } from './schema';

type Publish = (event: AttachmentEvent) => void;

const PUBLISH_EVERY_MS = 100;
/** The first and the last so many bytes of the output are kept while anyone is subscribed. */
const KEPT_BYTES = 64 * 1024;
/** The delays between attempts to reconnect to a running sandbox, ms. */
const RETRY_AFTER_MS = [300, 1_000, 2_000, 5_000, 10_000, 20_000] as const;

const PAUSED = 'The sandbox is paused. The process continues when the sandbox is resumed.';
const RECONNECTING = 'The connection to the process was lost. Reconnecting…';
const LOST = 'The connection to the process was lost. Attach again to follow it.';

/** The processes whose output people follow. Opens one stream per process, however many people follow it. */
export class ProcessAttachments {
  readonly #recordAccess;
  readonly #open = new Map<string, Attachment>();

  constructor(recordAccess = noteAccess) {
    this.#recordAccess = recordAccess;
  }

  /**
   * Publishes the output of the process that `key` names, from the first subscription on, until the returned function is
   * called or `ended` or `refused` was published.
   */
  subscribe(key: string, subscriber: Who, publish: Publish): () => void {
    const request = readKey(key);
    if (request === null) {
      publish({ kind: 'refused', message: 'There is no such process.' });
      return () => {};
    }
    const attachment = this.#open.get(key) ?? this.#create(key, request);
    return attachment.subscribe(subscriber, publish);
  }

  /** The number of processes that are followed. */
  get size(): number {
    return this.#open.size;
  }

  #create(key: string, request: ProcessRequest): Attachment {
    const attachment: Attachment = new Attachment(request, this.#recordAccess, () => {
      if (this.#open.get(key) === attachment) this.#open.delete(key);
    });
    this.#open.set(key, attachment);
    return attachment;
  }
}

function readKey(key: string): ProcessRequest | null {
  const [sandboxKey, pid, mark, ...rest] = key.split(' ');
  const request = ProcessRequest.safeParse({ sandboxKey, pid: Number(pid), mark });
  return request.success && rest.length === 0 ? request.data : null;
}

class Attachment {
  readonly #request: ProcessRequest;
  readonly #recordAccess: typeof noteAccess;
  readonly #forget: () => void;
  /** All subscribers. Only the admitted ones, whose access is recorded, receive events. */
  readonly #subscribers = new Set<Publish>();
  readonly #admitted = new Set<Publish>();
  readonly #recorded = new Map<string, Promise<void>>();
  readonly #leaving = new AbortController();
  #process: Promise<ProcessInfo> | null = null;
  #isFollowing = false;
  #output: KeptOutput | null = null;
  #sinceMs = 0;
  /** When following continued after an interruption; `null` if it was never interrupted. */
  #continuedMs: number | null = null;
  /** Why nothing arrives now, as text; `null` while the process is followed. */
  #waiting: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** How the process ended, as text; `null` while it runs. */
  #ending: string | null = null;

  constructor(request: ProcessRequest, recordAccess: typeof noteAccess, forget: () => void) {
    this.#request = request;
    this.#recordAccess = recordAccess;
    this.#forget = forget;
  }

  subscribe(subscriber: Who, publish: Publish): () => void {
    this.#subscribers.add(publish);
    if (this.#waiting !== null) publish({ kind: 'waiting', words: this.#waiting });
    void this.#admit(subscriber, publish);
    return () => this.#unsubscribe(publish);
  }

  /** Refuses a subscriber whose access cannot be recorded. */
  async #admit(who: Who, publish: Publish): Promise<void> {
    try {
      this.#process ??= this.#requireProcess();
      const { command } = await this.#process;
      if (this.#subscribers.has(publish)) await this.#record(who, command);
    } catch (thrown) {
      if (!this.#subscribers.has(publish)) return;
      publish({ kind: 'refused', message: SandkeeperError.from(thrown).message });
      this.#unsubscribe(publish);
      return;
    }
    if (!this.#subscribers.has(publish)) return;
    this.#publishWhole(publish);
    this.#admitted.add(publish);
    if (this.#ending !== null) this.#publishEnd(this.#ending);
    else if (!this.#isFollowing) void this.#follow();
  }

  #unsubscribe(publish: Publish): void {
    this.#admitted.delete(publish);
    if (this.#subscribers.delete(publish) && this.#subscribers.size === 0) this.#end();
  }

  /** Records each person once, and retries after a failure. Only the first entry names the command. */
  #record({ userId, actor }: Who, command: string): Promise<void> {
    const earlier = this.#recorded.get(userId);
    if (earlier) return earlier;
    const { sandboxKey, pid } = this.#request;
    const detail = this.#recorded.size === 0 ? `Process ${pid}: ${command}` : `Process ${pid}`;
    const recorded = this.#recordAccess({ userId, actor }, { kind: 'process-attached', sandboxKey, detail });
    this.#recorded.set(userId, recorded);
    recorded.catch(() => this.#recorded.delete(userId));
    return recorded;
  }

  /** Like `requireProcess`, but waits while the sandbox is paused. */
  async #requireProcess(): Promise<ProcessInfo> {
    const { signal } = this.#leaving;
    for (;;) {
      try {
        return await requireProcess(this.#request, signal);
      } catch (thrown) {
        if (signal.aborted || SandkeeperError.from(thrown).problem !== NOT_RUNNING) throw thrown;
        this.#publishWaiting(PAUSED);
        await waitForResume(this.#request.sandboxKey, signal);
      }
    }
  }

  /** Follows the process until it ends, over pauses of its sandbox and lost connections. */
  async #follow(): Promise<void> {
    this.#isFollowing = true;
    const { signal } = this.#leaving;
    let ending: string | null = null;
    for (let failures = 0; ending === null; ) {
      const before = this.#continuedMs;
      try {
        ending = await this.#followOnce();
      } catch (thrown) {
        if (signal.aborted) return;
        if (before !== this.#continuedMs) failures = 0;
        ending = await this.#recover(SandkeeperError.from(thrown), failures);
        failures += 1;
      }
      if (signal.aborted) return;
    }
    this.#publishNew();
    this.#ending = ending;
    this.#publishEnd(ending);
    this.#end();
  }

  /** Follows the process over one connection. Returns how it ended. @throws SandkeeperError when the connection is lost */
  async #followOnce(): Promise<string> {
    const { sandboxKey, pid } = this.#request;
    const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
    for await (const event of envd.followProcess(pid, this.#leaving.signal)) {
      if (event.kind === 'end') return endingOf(event);
      this.#begin();
      if (event.kind === 'start') continue;
      this.#output?.add(event.bytes);
      this.#timer ??= setTimeout(() => this.#publishNew(), PUBLISH_EVERY_MS);
    }
    throw new SandkeeperError('unavailable', LOST);
  }

  /** Waits until the process can be followed again. Returns a text if it cannot. */
  async #recover(error: SandkeeperError, failures: number): Promise<string | null> {
    const { signal } = this.#leaving;
    if (error.problem === PROCESS_GONE) return 'It has ended.';
    if (error.code === 'not_found') return error.message;
    const waitMs = RETRY_AFTER_MS[failures];
    this.#publishNew();
    if (error.problem === NOT_RUNNING) {
      this.#publishWaiting(PAUSED);
      await waitForResume(this.#request.sandboxKey, signal);
    } else {
      if (waitMs === undefined) return LOST;
      this.#publishWaiting(RECONNECTING);
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
    }
    if (signal.aborted) return null;
    try {
      // Meanwhile another process may have got its pid.
      await this.#requireProcess();
      return null;
    } catch (thrown) {
      const { code, message } = SandkeeperError.from(thrown);
      return code === 'conflict' || code === 'not_found' ? message : null;
    }
  }

  #publishWaiting(words: string): void {
    if (this.#waiting === words) return;
    this.#waiting = words;
    for (const publish of [...this.#subscribers]) publish({ kind: 'waiting', words });
  }

  /** Subscribers whose access is still being recorded receive the end when they are admitted. */
  #publishEnd(text: string): void {
    const admitted = [...this.#admitted];
    this.#admitted.clear();
    for (const publish of admitted) this.#subscribers.delete(publish);
    for (const publish of admitted) publish({ kind: 'ended', words: text });
  }

  #begin(): void {
    if (this.#output !== null && this.#waiting === null) return;
    this.#waiting = null;
    if (this.#output !== null) this.#continuedMs = Date.now();
    else this.#sinceMs = Date.now();
    this.#output ??= new KeptOutput(KEPT_BYTES);
    for (const publish of this.#admitted) this.#publishWhole(publish);
  }

  #publishWhole(publish: Publish): void {
    if (this.#output === null) return;
    this.#publishNew();
    const [sinceMs, continuedMs] = [this.#sinceMs, this.#continuedMs];
    publish({ kind: 'output', sinceMs, continuedMs, text: this.#output.text(false) });
  }

  #publishNew(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const text = this.#output?.takePending() ?? null;
    if (text === null) return;
    for (const publish of [...this.#admitted]) publish({ kind: 'more', text });
  }

  #end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forget();
    this.#leaving.abort();
  }
}

function endingOf({ exitCode, signal }: { exitCode: number; signal: string | null }): string {
  if (exitCode >= 0) return `It ended with exit code ${exitCode}.`;
  return signal === null ? 'It was ended by a signal.' : `It was ended by a signal: ${signal}.`;
}

export function processAttachments(): ProcessAttachments {
  return singleton('process-attachments', () => new ProcessAttachments());
}
