import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { WebSocket } from 'ws';

type Reply = { id?: number; result?: Record<string, unknown>; error?: { message: string } };
type Evaluated = { result?: { value?: unknown }; exceptionDetails?: { text: string } };

const ARGS = [
  ...['--headless', '--no-sandbox', '--remote-debugging-port=0', '--window-size=1280,800'],
  ...['--disable-background-networking', '--disable-dev-shm-usage', '--disable-gpu'],
];
const CONTROL = 2;
const LOOK_AGAIN_MS = 20;

/** Key definitions of the DevTools protocol, by name. */
const KEYS: Readonly<Record<string, Record<string, unknown>>> = {
  Enter: { key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 },
  x: { key: 'x', code: 'KeyX', text: 'x', windowsVirtualKeyCode: 88 },
  'Control+c': { key: 'c', code: 'KeyC', windowsVirtualKeyCode: 67, modifiers: CONTROL },
};

/**
 * A tab driven directly over the DevTools protocol. Playwright subscribes to every WebSocket frame, which costs more than
 * the frames themselves.
 */
export class BareTab {
  readonly #browser: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  #sessionId: string | undefined;
  #asked = 0;
  readonly #waiting = new Map<number, (reply: Reply) => void>();

  private constructor(
    browser: ChildProcess,
    profile: string,
    socket: WebSocket,
    sessionId: string | undefined,
  ) {
    this.#browser = browser;
    this.#profile = profile;
    this.#socket = socket;
    this.#sessionId = sessionId;
    socket.on('message', (data) => {
      const reply: Reply = JSON.parse(data.toString());
      this.#waiting.get(reply.id ?? 0)?.(reply);
      this.#waiting.delete(reply.id ?? 0);
    });
  }

  /** Opens `url` in a new browser with `cookie`. */
  static async open(url: string, cookie: { name: string; value: string; url: string }): Promise<BareTab> {
    const profile = await mkdtemp(join(tmpdir(), 'sandkeeper-bench-'));
    const program = process.env.CHROMIUM_PATH || chromium.executablePath();
    const browser = spawn(program, [...ARGS, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const socket = new WebSocket(await addressOf(browser), { perMessageDeflate: false });
    await once(socket, 'open');
    const tab = new BareTab(browser, profile, socket, undefined);
    const { targetId } = await tab.#ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await tab.#ask('Target.attachToTarget', { targetId, flatten: true });
    tab.#sessionId = String(sessionId);
    await tab.#ask('Network.setCookie', cookie);
    await tab.#ask('Network.disable');
    await tab.#ask('Page.navigate', { url });
    return tab;
  }

  /** Runs `script` in the page and returns its result. It is sent as text and cannot use variables of this module. */
  async evaluate<T>(script: () => T | Promise<T>): Promise<T> {
    const params = { expression: `(${script})()`, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.#ask('Runtime.evaluate', params)) as Evaluated;
    if (exceptionDetails) throw new Error(`In the page: ${exceptionDetails.text}`);
    return result?.value as T;
  }

  /** Waits until `isSo` is true in the page. */
  async waitFor(isSo: () => boolean): Promise<void> {
    while (!(await this.evaluate(isSo).catch(() => false)))
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }

  async press(name: string): Promise<void> {
    const key = KEYS[name];
    if (key === undefined) throw new Error(`Unknown key: ${name}`);
    await this.#ask('Input.dispatchKeyEvent', { type: 'keyDown', ...key });
    await this.#ask('Input.dispatchKeyEvent', { type: 'keyUp', ...key, text: undefined });
  }

  async type(text: string): Promise<void> {
    await this.#ask('Input.insertText', { text });
  }

  async close(): Promise<void> {
    this.#socket.close();
    const ended = once(this.#browser, 'exit');
    this.#browser.kill();
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #ask(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    this.#asked += 1;
    const id = this.#asked;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#sessionId === undefined ? {} : { sessionId: this.#sessionId };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    const { result, error } = await reply;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }
}

/** The DevTools address that the browser prints. */
async function addressOf(browser: ChildProcess): Promise<string> {
  let output = '';
  for await (const text of browser.stderr ?? []) {
    output += text;
    const [address] = /ws:\/\/\S+/.exec(output) ?? [];
    if (address !== undefined) {
      // Drain the output, or the browser blocks.
      browser.stderr?.resume();
      return address;
    }
  }
  throw new Error(`The browser did not start: ${output}`);
}
