import type { BrowserCommand } from 'vitest/node';
import { served } from './server-state.ts';

/** What component tests do through Node.js: another client of the same sandboxes, and a shell inside of them. */

const callMoru: BrowserCommand<[method: string, args: unknown[]]> = async (_, method, args) => {
  const { moru } = served();
  const call = Reflect.get(moru, method) as (...args: unknown[]) => Promise<unknown>;
  return (await call.apply(moru, args)) ?? null;
};

const runInSandbox: BrowserCommand<[id: string, script: string]> = async (_, id, script) => {
  const sandbox = await served().moru.handle(id);
  await sandbox.commands.run(`cd ~; ${script}`, { timeoutMs: 60_000 });
};

/** `data` is base64. */
const writeInSandbox: BrowserCommand<[id: string, path: string, data: string]> = async (
  _,
  id,
  path,
  data,
) => {
  const sandbox = await served().moru.handle(id);
  await sandbox.files.write(path, new Uint8Array(Buffer.from(data, 'base64')).buffer);
};

export const moruCommands = { callMoru, runInSandbox, writeInSandbox };
