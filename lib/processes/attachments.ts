import 'server-only';
import { noteAccess } from '../access/audit';
import { KeptOutput } from '../commands/kept-output';
import { SandkeeperError } from '../errors';
import { openEnvd } from '../sandbox-api/envd';
import { singleton } from '../singleton';
import { requireProcess } from './list';
import { type ProcessEvent, type ProcessInfo, ProcessRequest } from './schema';

type Tell = (event: ProcessEvent) => void;
type Who = { actor: string };

const TELL_EVERY_MS = 100;
/** What is kept of the beginning and of the end of what a process writes while somebody looks. */
const KEPT_BYTES = 64 * 1024;

/** The processes whose output somebody looks at: one stream from the sandbox for each, however many look. */
export class ProcessAttachments {
  readonly #note;
  readonly #open = new Map<string, Attachment>();

  /** `note` writes down who looks at what. */
  constructor(note = noteAccess) {
    this.#note = note;
  }

  /**
   * Tells what the process that `key` names writes from now on, and to who comes later what it wrote since somebody
   * began to look; until the answered function is called, or until `ended` or `refused`.
   */
  listen(key: string, who: Who, tell: Tell): () => void {
    const input = readKey(key);
    if (input === null) {
      tell({ kind: 'refused', message: 'There is no such process.' });
      return () => {};
    }
    const attachment = this.#open.get(key) ?? this.#begin(key, input);
    return attachment.listen(who, tell);
  }

  /** How many processes are looked at. */
  get size(): number {
    return this.#open.size;
  }

  #begin(key: string, input: ProcessRequest): Attachment {
    const attachment: Attachment = new Attachment(input, this.#note, () => {
      if (this.#open.get(key) === attachment) this.#open.delete(key);
    });
    this.#open.set(key, attachment);
    return attachment;
  }
}

function readKey(key: string): ProcessRequest | null {
  const [sandboxId, pid, mark, ...rest] = key.split(' ');
  const input = ProcessRequest.safeParse({ sandboxId, pid: Number(pid), mark });
  return input.success && rest.length === 0 ? input.data : null;
}

class Attachment {
  readonly #input: ProcessRequest;
  readonly #record: typeof noteAccess;
  readonly #forget: () => void;
  /** Everybody who is here, and of those the ones whose look is written down: only they are shown anything. */
  readonly #here = new Set<Tell>();
  readonly #admitted = new Set<Tell>();
  readonly #noted = new Map<string, Promise<void>>();
  readonly #leaving = new AbortController();
  #process: Promise<ProcessInfo> | null = null;
  #isFollowing = false;
  #output: KeptOutput | null = null;
  #sinceMs = 0;
  #timer: NodeJS.Timeout | null = null;
  /** How it ended. */
  #words: string | null = null;

  constructor(input: ProcessRequest, record: typeof noteAccess, forget: () => void) {
    this.#input = input;
    this.#record = record;
    this.#forget = forget;
  }

  listen(who: Who, tell: Tell): () => void {
    this.#here.add(tell);
    void this.#welcome(who, tell);
    return () => this.#leave(tell);
  }

  /** What cannot be recorded is not shown. */
  async #welcome({ actor }: Who, tell: Tell): Promise<void> {
    try {
      this.#process ??= requireProcess(this.#input, this.#leaving.signal);
      const { command } = await this.#process;
      if (this.#here.has(tell)) await this.#note(actor, command);
    } catch (thrown) {
      if (!this.#here.has(tell)) return;
      const message = SandkeeperError.from(thrown).message.replace(' Nothing was sent.', '');
      tell({ kind: 'refused', message });
      this.#leave(tell);
      return;
    }
    if (!this.#here.has(tell)) return;
    this.#tellWhole(tell);
    this.#admitted.add(tell);
    if (this.#words !== null) this.#tellEnd(this.#words);
    else if (!this.#isFollowing) void this.#follow();
  }

  #leave(tell: Tell): void {
    this.#admitted.delete(tell);
    if (this.#here.delete(tell) && this.#here.size === 0) this.#end();
  }

  /** Once for each person, who may try again where it failed. The first entry says what it is, too. */
  #note(actor: string, command: string): Promise<void> {
    const earlier = this.#noted.get(actor);
    if (earlier) return earlier;
    const { sandboxId, pid } = this.#input;
    const detail = this.#noted.size === 0 ? `Process ${pid}: ${command}` : `Process ${pid}`;
    const noted = this.#record({ actor }, { kind: 'process-attached', sandboxId, detail });
    this.#noted.set(actor, noted);
    noted.catch(() => this.#noted.delete(actor));
    return noted;
  }

  async #follow(): Promise<void> {
    this.#isFollowing = true;
    const { sandboxId, pid } = this.#input;
    let words = 'The connection to it broke off.';
    try {
      const envd = await openEnvd(sandboxId);
      for await (const event of envd.attachProcess(pid, this.#leaving.signal)) {
        if (event.kind === 'start') this.#begin();
        else if (event.kind === 'gone') words = 'It has ended.';
        else if (event.kind === 'end')
          words = event.exitCode >= 0 ? `It ended with exit code ${event.exitCode}.` : endWords(event.signal);
        else {
          this.#begin();
          this.#output?.add(event.bytes);
          this.#timer ??= setTimeout(() => this.#tellNews(), TELL_EVERY_MS);
        }
      }
    } catch (thrown) {
      if (this.#leaving.signal.aborted) return;
      words = SandkeeperError.from(thrown).message;
    }
    this.#tellNews();
    this.#words = words;
    this.#tellEnd(words);
    this.#end();
  }

  /** Who is still being written down hears of it then. */
  #tellEnd(words: string): void {
    const told = [...this.#admitted];
    this.#admitted.clear();
    for (const tell of told) this.#here.delete(tell);
    for (const tell of told) tell({ kind: 'ended', words });
  }

  #begin(): void {
    if (this.#output !== null) return;
    this.#output = new KeptOutput(KEPT_BYTES);
    this.#sinceMs = Date.now();
    for (const tell of this.#admitted) this.#tellWhole(tell);
  }

  #tellWhole(tell: Tell): void {
    if (this.#output === null) return;
    this.#tellNews();
    tell({ kind: 'output', sinceMs: this.#sinceMs, text: this.#output.text(false) });
  }

  #tellNews(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const news = this.#output?.takePending() ?? null;
    if (news !== null) this.#tell({ kind: 'more', text: news });
  }

  #tell(event: ProcessEvent): void {
    for (const tell of [...this.#admitted]) tell(event);
  }

  #end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forget();
    this.#leaving.abort();
  }
}

function endWords(signal: string | null): string {
  return signal === null ? 'A signal ended it.' : `A signal ended it: ${signal}.`;
}

/** The attachments of this process. */
export function processAttachments(): ProcessAttachments {
  return singleton('process-attachments', () => new ProcessAttachments());
}
