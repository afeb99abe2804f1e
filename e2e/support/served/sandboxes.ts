import { commands } from 'vitest/browser';
import type { Moru } from '../moru';

/** Sandboxes of the running engine, for component tests. */

declare module 'vitest/browser' {
  interface BrowserCommands {
    callMoru: (method: string, args: unknown[]) => Promise<unknown>;
    runInSandbox: (id: string, script: string) => Promise<void>;
    writeInSandbox: (id: string, path: string, data: string) => Promise<void>;
  }
}

type Callable = Omit<Moru, 'handle'>;

/** Another client of the same sandboxes. */
export const moru = new Proxy({} as Callable, {
  get:
    (_, method) =>
    (...args: unknown[]) =>
      commands.callMoru(String(method), args),
});

const HOME = '/home/user';

/** A running sandbox for the tests of a file, each with its own files. */
export class Box {
  private constructor(readonly id: string) {}

  static async create(): Promise<Box> {
    return new Box(await moru.create({ timeoutMs: 3_600_000 }));
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

  /** The path of the page that shows a file. */
  path(name: string, more: Record<string, string> = {}): string {
    const search = new URLSearchParams({ file: `${HOME}/${name}`, ...more });
    return `/sandboxes/${this.id}/files?${search}`;
  }
}
