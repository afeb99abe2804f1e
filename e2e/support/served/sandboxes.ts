import { onTestFinished } from 'vitest';
import { commands } from 'vitest/browser';
import type { FaultInput } from '@/lib/engine/faults';
import type { Role } from '@/lib/roles';
import { pageOf } from '../local';
import type { Moru } from '../moru';
import type { Colleague } from '../operations';

/** Sandboxes of the running engine, for component tests. */

declare module 'vitest/browser' {
  interface BrowserCommands {
    callMoru: (method: string, args: unknown[]) => Promise<unknown>;
    callColleague: (role: Role, method: string, args: unknown[]) => Promise<unknown>;
    runInSandbox: (id: string, script: string) => Promise<void>;
    startInSandbox: (id: string, command: string) => Promise<number>;
    processesInSandbox: (id: string) => Promise<{ pid: number; cmd: string }[]>;
    writeInSandbox: (id: string, path: string, data: string) => Promise<void>;
    readInSandbox: (id: string, path: string) => Promise<string | null>;
    addFaultTo: (id: string, fault: FaultInput) => Promise<string>;
    redirectOf: (path: string, role: Role) => Promise<string | null>;
  }
}

/** The path to which the server redirects `path`, or `null`. */
export function redirectOf(path: string, role: Role = 'admin'): Promise<string | null> {
  return commands.redirectOf(path, role);
}

type Callable = Omit<Moru, 'handle'>;

/** Another client of the same sandboxes. */
export const moru = new Proxy({} as Callable, {
  get:
    (_, method) =>
    (...args: unknown[]) =>
      commands.callMoru(String(method), args),
});

/** Another person, who starts operations. */
export const colleague = (role: Role): Pick<Colleague, keyof Colleague> =>
  new Proxy({} as Colleague, {
    get:
      (_, method) =>
      (...args: unknown[]) =>
        commands.callColleague(role, String(method), args),
  });

/** Adds a fault for the rest of a test. All tests share the engine, so its route names a sandbox of the test. */
export async function addFault(fault: FaultInput): Promise<() => Promise<void>> {
  const id = await moru.addFault(fault);
  const remove = () => moru.removeFault(id);
  onTestFinished(remove);
  return remove;
}

const HOME = '/home/user';

/** A running sandbox for the tests of a file, each with its own files. */
export class Box {
  private constructor(readonly id: string) {}

  /** With `script`, empties the home directory and runs it there. */
  static async create(script?: string): Promise<Box> {
    const box = new Box(await moru.create({ timeoutMs: 3_600_000 }));
    if (script !== undefined) await box.run(`rm -rf ~/.[!.]* ~/*; ${script}`);
    return box;
  }

  run(script: string): Promise<void> {
    return commands.runInSandbox(this.id, script);
  }

  write(name: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return commands.writeInSandbox(this.id, `${HOME}/${name}`, btoa(text));
  }

  /** Starts a command in the background and returns its pid. */
  start(command: string): Promise<number> {
    return commands.startInSandbox(this.id, command);
  }

  /** The processes that were started by API. */
  processes(): Promise<{ pid: number; cmd: string }[]> {
    return commands.processesInSandbox(this.id);
  }

  /** The text of a file, or `null` if it does not exist. */
  read(name: string): Promise<string | null> {
    return commands.readInSandbox(this.id, name.startsWith('/') ? name : `${HOME}/${name}`);
  }

  /** Adds a fault to the requests to this sandbox. Returns a function that removes it. */
  async addFault(fault: FaultInput): Promise<() => Promise<void>> {
    const id = await commands.addFaultTo(this.id, fault);
    return () => moru.removeFault(id);
  }

  /** The path of a page of the sandbox. */
  page(tab: 'files' | 'console' | 'run' | 'processes', search: Record<string, string> = {}): string {
    const query = String(new URLSearchParams(search));
    return `${pageOf(this.id)}/${tab}${query === '' ? '' : `?${query}`}`;
  }

  /** The path of the page that shows a file. */
  path(name: string, more: Record<string, string> = {}): string {
    const search = new URLSearchParams({ file: `${HOME}/${name}`, ...more });
    return `${pageOf(this.id)}/files?${search}`;
  }
}
