import 'server-only';
import { noteAccess } from '../access/audit';
import { KeptOutput } from '../commands/kept-output';
import { SandkeeperError } from '../errors';
import { openEnvd } from '../sandbox-api/envd';
import { PROCESS_GONE } from '../sandbox-api/envd-processes';
import { singleton } from '../singleton';
import { requireProcess } from './list';
import { type AttachmentEvent, type ProcessInfo, ProcessRequest } from './schema';

type Publish = (event: AttachmentEvent) => void;
type Subscriber = { actor: string };

const PUBLISH_EVERY_MS = 100;
/** The first and the last so many bytes of the output are kept while anyone is subscribed. */
const KEPT_BYTES = 64 * 1024;

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
  subscribe(key: string, subscriber: Subscriber, publish: Publish): () => void {
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
  const [sandboxId, pid, mark, ...rest] = key.split(' ');
  const request = ProcessRequest.safeParse({ sandboxId, pid: Number(pid), mark });
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
  #timer: NodeJS.Timeout | null = null;
  /** How the process ended, as text; `null` while it runs. */
  #ending: string | null = null;

  constructor(request: ProcessRequest, recordAccess: typeof noteAccess, forget: () => void) {
    this.#request = request;
    this.#recordAccess = recordAccess;
    this.#forget = forget;
  }

  subscribe(subscriber: Subscriber, publish: Publish): () => void {
    this.#subscribers.add(publish);
    void this.#admit(subscriber, publish);
    return () => this.#unsubscribe(publish);
  }

  /** Refuses a subscriber whose access cannot be recorded. */
  async #admit({ actor }: Subscriber, publish: Publish): Promise<void> {
    try {
      this.#process ??= requireProcess(this.#request, this.#leaving.signal);
      const { command } = await this.#process;
      if (this.#subscribers.has(publish)) await this.#record(actor, command);
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
  #record(actor: string, command: string): Promise<void> {
    const earlier = this.#recorded.get(actor);
    if (earlier) return earlier;
    const { sandboxId, pid } = this.#request;
    const detail = this.#recorded.size === 0 ? `Process ${pid}: ${command}` : `Process ${pid}`;
    const recorded = this.#recordAccess({ actor }, { kind: 'process-attached', sandboxId, detail });
    this.#recorded.set(actor, recorded);
    recorded.catch(() => this.#recorded.delete(actor));
    return recorded;
  }

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    const { sandboxId, pid } = this.#request;
    let ending = 'The connection to the process was lost. Attach again to follow it.';
    try {
      const envd = await openEnvd(sandboxId);
      for await (const event of envd.followProcess(pid, this.#leaving.signal)) {
        if (event.kind === 'end') {
          ending = endingOf(event);
          continue;
        }
        this.#begin();
        if (event.kind === 'start') continue;
        this.#output?.add(event.bytes);
        this.#timer ??= setTimeout(() => this.#publishNew(), PUBLISH_EVERY_MS);
      }
    } catch (thrown) {
      if (this.#leaving.signal.aborted) return;
      const error = SandkeeperError.from(thrown);
      ending = error.problem === PROCESS_GONE ? 'It has ended.' : error.message;
    }
    this.#publishNew();
    this.#ending = ending;
    this.#publishEnd(ending);
    this.#end();
  }

  /** Subscribers whose access is still being recorded receive the end when they are admitted. */
  #publishEnd(text: string): void {
    const admitted = [...this.#admitted];
    this.#admitted.clear();
    for (const publish of admitted) this.#subscribers.delete(publish);
    for (const publish of admitted) publish({ kind: 'ended', words: text });
  }

  #begin(): void {
    if (this.#output !== null) return;
    this.#output = new KeptOutput(KEPT_BYTES);
    this.#sinceMs = Date.now();
    for (const publish of this.#admitted) this.#publishWhole(publish);
  }

  #publishWhole(publish: Publish): void {
    if (this.#output === null) return;
    this.#publishNew();
    publish({ kind: 'output', sinceMs: this.#sinceMs, text: this.#output.text(false) });
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
