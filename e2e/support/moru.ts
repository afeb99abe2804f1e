import { Agent, request } from 'node:http';
import { NotFoundError, Sandbox, type SandboxInfo } from '@moru-ai/core';
import type { Fault, FaultInput } from '../../lib/engine/faults';
import type { EngineProcess } from './deployment';

type Input = {
  template?: string;
  metadata?: Record<string, string>;
  timeoutMs?: number;
  autoPause?: boolean;
};

const TEN_MINUTES_MS = 600_000;
const PARALLEL = 16;

/** Another client of the same sandboxes: the published SDK, connected to this engine. */
export class Moru {
  readonly #engine: EngineProcess;

  constructor(engine: EngineProcess) {
    this.#engine = engine;
  }

  /** Creates a sandbox and returns its id. */
  async create({ template = 'base', timeoutMs = TEN_MINUTES_MS, ...more }: Input = {}): Promise<string> {
    const { sandboxId } = await Sandbox.create(template, this.#options({ timeoutMs, ...more }));
    return sandboxId;
  }

  kill(id: string): Promise<boolean> {
    return Sandbox.kill(id, this.#options({}));
  }

  pause(id: string): Promise<boolean> {
    return Sandbox.betaPause(id, this.#options({}));
  }

  /** Resumes a paused sandbox. */
  async connect(id: string): Promise<void> {
    await Sandbox.connect(id, this.#options({ timeoutMs: TEN_MINUTES_MS }));
  }

  /** The SDK's handle for the files and commands of a running sandbox. */
  handle(id: string): Promise<Sandbox> {
    return Sandbox.connect(id, this.#options({ timeoutMs: TEN_MINUTES_MS }));
  }

  /** Returns the SDK's information about a sandbox, or `null` if it does not exist. */
  async find(id: string): Promise<SandboxInfo | null> {
    return Sandbox.getInfo(id, this.#options({})).catch((error: unknown) => {
      if (error instanceof NotFoundError) return null;
      throw error;
    });
  }

  async stateOf(id: string): Promise<string> {
    return (await this.find(id))?.state ?? 'not found';
  }

  async listIds(): Promise<string[]> {
    const paginator = Sandbox.list(this.#options({}));
    const ids: string[] = [];
    while (paginator.hasNext) ids.push(...(await paginator.nextItems()).map(({ sandboxId }) => sandboxId));
    return ids;
  }

  async killAll(): Promise<void> {
    const ids = await this.listIds();
    await this.#each(ids, (id, agent) => this.ask('DELETE', `/sandboxes/${id}`, undefined, agent));
  }

  /** Creates many sandboxes without the overhead of the SDK. `metadataOf` receives the index of each. */
  async createMany(count: number, metadataOf: (index: number) => Record<string, string>): Promise<void> {
    await this.createAll(Array.from({ length: count }, (_, index) => metadataOf(index)));
  }

  /** Creates a sandbox for each metadata, as `createMany` does, and returns their ids. */
  async createAll(metadataList: readonly Record<string, string>[]): Promise<string[]> {
    const ids: string[] = [];
    await this.#each([...metadataList.entries()], async ([index, metadata], agent) => {
      const input = { templateID: 'base', timeout: 3_600, secure: true, metadata };
      const { status, body } = await this.ask('POST', '/sandboxes', input, agent);
      if (status !== 201) throw new Error(`Could not create a sandbox: ${status} ${body}`);
      ids[index] = (JSON.parse(body) as { sandboxID: string }).sandboxID;
    });
    return ids;
  }

  /** Adds a fault to the engine until `removeFault` or `clearFaults`. Returns its id. */
  async addFault(fault: FaultInput): Promise<string> {
    const { status, body } = await this.ask('POST', '/engine/faults', fault);
    if (status !== 201) throw new Error(`Could not add the fault: ${status} ${body}`);
    return (JSON.parse(body) as Fault).id;
  }

  async removeFault(id: string): Promise<void> {
    await this.ask('DELETE', `/engine/faults/${id}`);
  }

  /** The number of times that faults on a route have fired. */
  async faultsFired(route: string): Promise<number> {
    const faults = JSON.parse((await this.ask('GET', '/engine/faults')).body) as Fault[];
    return faults.reduce((sum, fault) => sum + (fault.route === route ? fault.fired : 0), 0);
  }

  async clearFaults(): Promise<void> {
    await this.ask('DELETE', '/engine/faults');
  }

  /** Sends a request to the engine with its key. */
  ask(method: string, path: string, body?: object, agent?: Agent): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.#engine.url),
        {
          method,
          agent,
          headers: {
            'x-api-key': this.#engine.apiKey,
            ...(body ? { 'content-type': 'application/json' } : {}),
          },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
        },
      );
      call.on('error', reject);
      call.end(body && JSON.stringify(body));
    });
  }

  async #each<T>(items: readonly T[], work: (item: T, agent: Agent) => Promise<unknown>): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
    const rest = items.values();
    await Promise.all(
      Array.from({ length: PARALLEL }, async () => {
        for (const item of rest) await work(item, agent);
      }),
    );
    agent.destroy();
  }

  /**
   * Adds the address and the key of this engine to the options of the SDK, whose types omit some of them
   * (docs/protocol.md#untyped-options).
   */
  #options<T extends object>(options: T): T {
    const { url, apiKey } = this.#engine;
    return { ...options, apiUrl: url, sandboxUrl: url, apiKey };
  }
}
