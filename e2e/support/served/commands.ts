import type { BrowserCommand } from 'vitest/node';
import type { FaultInput } from '../../../lib/engine/faults';
import type { Role } from '../../../lib/roles';
import { ask, cookieOf } from '../http.ts';
import { Colleague } from '../operations.ts';
import { served } from './server-state.ts';
import { cutWire, mendWire } from './wires.ts';

/** What component tests do through Node.js: other clients of the same sandboxes, a shell inside of them, and the keyboard. */

const callMoru: BrowserCommand<[method: string, args: unknown[]]> = async (_, method, args) => {
  const { moru } = served();
  const call = Reflect.get(moru, method) as (...args: unknown[]) => Promise<unknown>;
  return (await call.apply(moru, args)) ?? null;
};

const callColleague: BrowserCommand<[role: Role, method: string, args: unknown[]]> = async (
  _,
  role,
  method,
  args,
) => {
  const { sandkeeper, sessions } = served();
  const colleague = new Colleague(sandkeeper, sessions[role]);
  const call = Reflect.get(colleague, method) as (...args: unknown[]) => Promise<unknown>;
  return (await call.apply(colleague, args)) ?? null;
};

const runInSandbox: BrowserCommand<[id: string, script: string]> = async (_, id, script) => {
  const sandbox = await served().moru.handle(id);
  await sandbox.commands.run(`cd ~; ${script}`, { timeoutMs: 60_000 });
};

/** Starts a command in the background and returns its pid. */
const startInSandbox: BrowserCommand<[id: string, command: string]> = async (_, id, command) => {
  const sandbox = await served().moru.handle(id);
  return (await sandbox.commands.run(command, { background: true, timeoutMs: 0 })).pid;
};

/** The processes that were started by API. */
const processesInSandbox: BrowserCommand<[id: string]> = async (_, id) => {
  const sandbox = await served().moru.handle(id);
  return (await sandbox.commands.list()).map(({ pid, cmd }) => ({ pid, cmd }));
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

/** The text of a file, or `null` if it does not exist. */
const readInSandbox: BrowserCommand<[id: string, path: string]> = async (_, id, path) => {
  const { files } = await served().moru.handle(id);
  return (await files.exists(path)) ? files.read(path) : null;
};

/** Adds a fault to one sandbox, because other test files share the engine. Returns its id. */
const addFaultTo: BrowserCommand<[sandboxId: string, fault: FaultInput]> = (_, sandboxId, fault) =>
  served().moru.addFault({ ...fault, sandboxId });

/** Types text as a person does. Unlike `userEvent.keyboard`, it gives no character a meaning. */
const typeText: BrowserCommand<[text: string]> = ({ page }, text) => page.keyboard.type(text);

/** Inserts text as an input method does. */
const insertText: BrowserCommand<[text: string]> = ({ page }, text) => page.keyboard.insertText(text);

/** Clicks at a point of the component's page, which may be covered by another element. */
const clickAt: BrowserCommand<[x: number, y: number]> = async ({ page, iframe }, x, y) => {
  const box = await iframe.owner().boundingBox();
  const at = [x + (box?.x ?? 0), y + (box?.y ?? 0)] as const;
  await page.mouse.move(...at, { steps: 4 });
  await page.mouse.click(...at);
};

/** Answers the next request for files. `files`: name and text. */
const chooseFiles: BrowserCommand<[files: readonly (readonly [string, string])[]]> = ({ page }, files) => {
  page.once('filechooser', (chooser) =>
    chooser.setFiles(
      files.map(([name, text]) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })),
    ),
  );
};

/** Asks the server for a page, and returns the path that it redirects to, or `null`. */
const redirectOf: BrowserCommand<[path: string, role: Role]> = async (_, path, role) => {
  const { sandkeeper, sessions } = served();
  const { headers } = await ask(sandkeeper, path, { headers: cookieOf(sandkeeper, sessions[role]) });
  const { location } = headers;
  return typeof location === 'string' ? location.replace(sandkeeper.url, '') : null;
};

export const moruCommands = {
  callMoru,
  callColleague,
  runInSandbox,
  startInSandbox,
  processesInSandbox,
  writeInSandbox,
  readInSandbox,
  addFaultTo,
  typeText,
  insertText,
  clickAt,
  chooseFiles,
  redirectOf,
  cutWire: ((_, name, cut) => cutWire(name, cut)) satisfies BrowserCommand<Parameters<typeof cutWire>>,
  mendWire: ((_, name) => mendWire(name)) satisfies BrowserCommand<[name: string]>,
};
