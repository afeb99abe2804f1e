import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConnectError } from './envd/connect-error';
import { Envd } from './envd/envd';
import { insideFiles } from './envd/inside-files';
import { processService } from './envd/process-service';
import type { Guest, GuestContext, GuestRuntime, Guests, ProcessSupport, Usage } from './guests';
import { type JailTools, MAX_PROCESSES } from './jail/bubblewrap';
import { Cgroups, OWN_GROUP } from './jail/cgroups';
import { Guard } from './jail/guard';
import { readHostIds } from './jail/host-ids';
import { LimitGroups } from './jail/limit-groups';
import { GuestMetrics } from './jail/metrics';
import { proxyToPort } from './jail/ports';
import { logEndedProcesses } from './jail/process-record';
import { closeToOthers, prepareRoot, releaseRoot, rootDirOf } from './jail/rootfs';
import { Sandbox } from './jail/sandbox';
import { restoreRoot, saveRoot } from './jail/saved-files';
import { findAgent, findSupport, type JailSupport, missingProtections } from './jail/support';
import type { GuestRoot } from './safe-fs/guest-root';
import { removeHostDirectory } from './safe-fs/remove';

export type GuestRuntimeOptions = {
  /** Sandboxes share the host's network, loopback included. Default: each has only its own loopback. */
  readonly hostNetwork?: boolean | undefined;
  /** MiB of disk per sandbox; uploads beyond it get 507. Default: its `diskSizeMB`. */
  readonly diskQuotaMB?: number | undefined;
  /** Absolute path of the bundled agent. Default: the output of the build. */
  readonly agent?: string;
  /** Sandboxes may trace their agent, for tests of an agent that is taken over. Default: false. */
  readonly exposeAgent?: boolean;
  /** Absolute path of a python3 to show to sandboxes. Default: that of the machine, unless they see it anyway. */
  readonly python?: string;
  /** Default: true where the machine allows control groups. */
  readonly useCgroups?: boolean;
  /** See `SandboxOptions`. */
  readonly overdueMs?: number;
  readonly silentMs?: number;
  /** Time for a server inside to start its response. Default: 10 min. */
  readonly answerTimeoutMs?: number;
  /** Interval of the samples of CPU, memory and disk. Default: 5 s, as the service has it. */
  readonly sampleEveryMs?: number;
};

/** Opens sandboxes with real files, and with real processes if the machine can run them. */
export async function openGuests(
  context: GuestContext,
  options: GuestRuntimeOptions = {},
): Promise<GuestRuntime> {
  const { agent = findAgent(), exposeAgent = false, python } = options;
  const loaderDir = exposeAgent ? null : dirname(context.guestsDir);
  const support = await findSupport(context.guestsDir, agent, loaderDir, python);
  const guests = new LocalGuests(context, support, options);
  return { guests, dataPlane: guests.envd };
}

class LocalGuests implements Guests {
  readonly #context: GuestContext;
  readonly #support: JailSupport;
  readonly #options: GuestRuntimeOptions;
  readonly processes: ProcessSupport;
  readonly hasNetwork: boolean;
  readonly envd: Envd;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #metrics: GuestMetrics;
  readonly #cgroups: Cgroups | null;
  readonly #limitGroups: LimitGroups | null;
  readonly #guard: Guard;

  constructor(context: GuestContext, support: JailSupport, options: GuestRuntimeOptions) {
    this.#context = context;
    this.#support = support;
    this.#options = options;
    this.hasNetwork = support.available && options.hostNetwork === true;
    const usesGroups = support.available && options.useCgroups !== false;
    this.#cgroups = usesGroups ? Cgroups.open() : null;
    this.#limitGroups = usesGroups ? LimitGroups.open(OWN_GROUP, this.#cgroups?.own ?? null) : null;
    this.processes = support.available ? { available: true, notes: this.#notesOf(support.tools) } : support;
    this.#guard = new Guard({
      ...{ context, sandboxes: this.#sandboxes },
      prlimit: support.available ? support.tools.prlimit : '',
      quotaBytes: (guest) => this.#quotaOf(guest),
    });
    this.#metrics = new GuestMetrics(context, this.#sandboxes, options.sampleEveryMs);
    this.envd = new Envd({
      prepareRoot: (guest) => this.#prepare(guest),
      processes: processService({ sandboxOf: (guest) => this.#sandboxOf(guest) }),
      live: support.available ? insideFiles((guest) => this.#sandboxOf(guest)) : undefined,
      usage: (id) => this.usage(id),
      quotaBytes: (guest) => this.#quotaOf(guest),
      openPort: async (guest, port, exchange) => {
        const sandbox = this.#sandboxes.get(guest.id);
        if (!sandbox) return false;
        const secrets = [guest.accessToken];
        const { answerTimeoutMs } = options;
        const host = guest.maskRequestHost?.replace(/\$\{PORT\}/g, String(port));
        const isTls = guest.httpsPorts.includes(port);
        return await proxyToPort(sandbox, { ...exchange, port, isTls, secrets, host, answerTimeoutMs });
      },
      warn: (message) => context.warn(message),
    });
  }

  async recover(known: readonly Guest[]): Promise<void> {
    const byId = new Map(known.map((guest) => [guest.id, guest]));
    for (const name of await readdir(this.#context.guestsDir)) {
      const guest = byId.get(name);
      if (guest) {
        await logEndedProcesses(guest, this.#context.sink);
        const ids = readHostIds(rootDirOf(guest));
        if (!ids) continue;
        // An earlier version left them open.
        closeToOthers(guest.dataDir, rootDirOf(guest), ids);
        this.#metrics.use(name);
      } else {
        await removeHostDirectory(join(this.#context.guestsDir, name)).catch((error: unknown) =>
          this.#context.warn(`Cannot remove the leftovers of ${name}: ${error}`),
        );
      }
    }
  }

  /** The files of a template and processes are created at first use. */
  async create(guest: Guest, files?: string): Promise<void> {
    if (files === undefined) return;
    await restoreRoot(guest, files);
    this.#metrics.use(guest.id);
  }

  async pause(id: string, keepsMemory: boolean): Promise<void> {
    await this.envd.closeStreams(id);
    if (keepsMemory) await this.#sandboxes.get(id)?.freeze();
    else await this.#sandboxes.get(id)?.kill('next command');
  }

  async resume(guest: Guest, keepsMemory: boolean): Promise<void> {
    const sandbox = this.#sandboxes.get(guest.id);
    if (!keepsMemory) await sandbox?.kill('next command');
    await sandbox?.thaw();
  }

  async saveFiles(guest: Guest, target: string, signal: AbortSignal): Promise<void> {
    const save = async () => {
      await this.#prepare(guest);
      await saveRoot(guest, target, this.#quotaOf(guest), signal);
    };
    await (this.#support.available ? this.#sandboxOf(guest).whileFrozen(save) : save());
  }

  isInUse(id: string): boolean {
    return this.#sandboxes.get(id)?.running != null;
  }

  /** Keeps the files written since the last pause, unlike the service: only one copy of them exists. */
  async revert(id: string): Promise<void> {
    await this.envd.closeStreams(id);
    await this.#sandboxes.get(id)?.kill('next command');
  }

  async destroy(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    // Streams close first, because their error must name the killed sandbox, not a killed process.
    await Promise.all([this.envd.closeStreams(id), sandbox?.kill('never')]);
    const dataDir = join(this.#context.guestsDir, id);
    const ids = readHostIds(rootDirOf({ dataDir }));
    await removeHostDirectory(dataDir);
    if (ids) releaseRoot({ dataDir }, ids);
    this.#sandboxes.delete(id);
    this.#metrics.forget(id);
    this.envd.forget(id);
  }

  isUnused(id: string): boolean {
    return !this.#metrics.has(id);
  }

  usage(id: string): Usage | null {
    return this.#context.findGuest(id)?.state === 'running' ? this.#metrics.latest(id) : null;
  }

  async close(): Promise<void> {
    this.#metrics.stop();
    this.#guard.stop();
    const ids = new Set([...this.#sandboxes.keys(), ...this.#metrics.ids]);
    await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.kill('next engine')));
    await Promise.all([...ids].map((id) => this.envd.closeStreams(id)));
    this.#limitGroups?.close();
    this.#cgroups?.close();
  }

  /** What this machine does not protect or enforce, a line each (docs/engine.md#limits-of-a-sandbox). */
  #notesOf(tools: JailTools): string[] {
    const hasMemory = this.#limitGroups?.limits('memory') === true;
    const hasCpu = this.#limitGroups?.limits('cpu') === true;
    // Quotas of the kernel would need a file system for sandboxes alone.
    const unlimited = [...(hasMemory ? [] : ['memory']), ...(hasCpu ? [] : ['CPU time']), 'disk'];
    const list = unlimited.join(', ').replace(/, (?=[^,]*$)/, ' and ');
    const ended = hasMemory ? 'disk' : 'memory or disk';
    const rest = hasCpu ? '' : ', and nothing limits CPU time';
    return [
      ...(this.#options.exposeAgent ? [] : missingProtections(tools)),
      `The kernel does not limit the ${list} of sandboxes on this machine. The engine ends what takes too much ${ended} a moment later${rest}.`,
    ];
  }

  #quotaOf({ diskSizeMB }: Guest): number {
    return (this.#options.diskQuotaMB ?? diskSizeMB) * 1024 * 1024;
  }

  async #prepare(guest: Guest): Promise<GuestRoot> {
    // A request that arrives after the kill must not create the directory again.
    if (this.#context.findGuest(guest.id)?.state !== 'running') {
      throw new ConnectError('unavailable', 'the sandbox is not running');
    }
    this.#metrics.use(guest.id);
    return await prepareRoot(guest);
  }

  #sandboxOf(guest: Guest): Sandbox {
    if (!this.#support.available) throw new ConnectError('unimplemented', this.#support.reason);
    let sandbox = this.#sandboxes.get(guest.id);
    if (!sandbox) {
      const { tools } = this.#support;
      const cgroups = this.#cgroups;
      const context = this.#context;
      const options = this.#options;
      const { hostNetwork = false, overdueMs, silentMs } = options;
      const limits = {
        memoryBytes: guest.memoryMB * 1024 * 1024,
        cpuCount: guest.cpuCount,
        maxProcesses: 2 * MAX_PROCESSES,
        diskBytes: this.#quotaOf(guest),
      };
      sandbox = new Sandbox(guest, {
        ...{ tools, hostNetwork, cgroups, limits, overdueMs, silentMs },
        limitGroups: this.#limitGroups,
        sink: context.sink,
        beforeStart: async () => {
          this.#guard.wake(guest.id);
          await this.#guard.refresh(guest.id);
        },
      });
      this.#sandboxes.set(guest.id, sandbox);
    }
    return sandbox;
  }
}
