import { request } from 'node:http';
import { WebSocket } from 'ws';
import type { JsonOf } from '../../lib/json-of';
import type { Sandkeeper } from './deployment';

type Ask = {
  method?: string;
  /** Sent unchanged, including `Host` and `Origin`, which a page cannot set. */
  headers?: Record<string, string>;
  body?: string;
};

export type Answer = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  text: string;
};

/** Sends one request to the server without a browser. Keeps no cookies and follows no redirects. */
export function ask(
  sandkeeper: { url: string },
  path: string,
  { method = 'GET', headers, body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, sandkeeper.url), { method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const whole = Buffer.concat(parts);
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: whole,
          text: whole.toString('utf8'),
        });
      });
      answer.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** The `Cookie` header of a session. */
export function cookieOf(sandkeeper: Sandkeeper, session: string): { cookie: string } {
  return { cookie: `${sandkeeper.sessionCookieName}=${session}` };
}

export type LiveSocket = {
  /** The status of the response to the upgrade. */
  status: number;
  /** The text frames received until now, without those that say that the connection works. */
  frames: string[];
  /** The binary frames received until now. */
  binaryFrames: Buffer[];
  send: (frame: object) => void;
  sendBytes: (frame: Uint8Array) => void;
  /** Sends a text or binary frame unchanged, unless the socket is closed. */
  sendRaw: (frame: string | Uint8Array) => void;
  /** Resolves with the close code. */
  closed: Promise<number>;
  close: () => void;
};

/**
 * Opens `/live` with any headers. Resolves when the upgrade is accepted or rejected. `keepsAll` keeps the frames that say
 * that the connection works.
 */
export function openLive(
  sandkeeper: { url: string },
  headers: Record<string, string>,
  { keepsAll = false } = {},
): Promise<LiveSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(new URL('/live', sandkeeper.url.replace('http', 'ws')), { headers });
    const frames: string[] = [];
    const binaryFrames: Buffer[] = [];
    const closed = new Promise<number>((ended) => {
      socket.on('close', ended);
    });
    const live = (status: number): LiveSocket => ({
      status,
      frames,
      binaryFrames,
      send: (frame) => socket.send(JSON.stringify(frame)),
      sendBytes: (frame) => socket.send(frame),
      sendRaw: (frame) => socket.send(frame, () => {}),
      closed,
      close: () => socket.close(),
    });
    socket.on('message', (data, isBinary) => {
      if (isBinary) return void binaryFrames.push(Buffer.from(data as Buffer));
      if (keepsAll || !/^{"type":"(hello|beat)"/.test(data.toString())) frames.push(data.toString());
    });
    socket.on('open', () => resolve(live(101)));
    socket.on('unexpected-response', (_request, answer) => {
      answer.resume();
      resolve(live(answer.statusCode ?? 0));
    });
    socket.on('error', reject);
  });
}

export type ServerAction = { name: string; id: string };

/**
 * Calls a server action as a page does: with its arguments as JSON, or with a form after the previous state. Sends the
 * server's own origin unless `headers` replaces it. Omits headers with an empty value.
 */
export function callAction(
  sandkeeper: { url: string },
  { id }: ServerAction,
  {
    path,
    args,
    headers = {},
  }: { path: string; args: unknown[] | FormData; headers?: Record<string, string> },
): Promise<Answer> {
  const all: Record<string, string> = {
    accept: 'text/x-component',
    origin: sandkeeper.url,
    'next-action': id,
    'content-type': 'text/plain;charset=UTF-8',
    ...headers,
  };
  let body: string;
  if (args instanceof FormData) {
    const boundary = '----sandkeeper';
    all['content-type'] = `multipart/form-data; boundary=${boundary}`;
    const part = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const fields = [...args].map(([name, value]) => part(`_1_${name}`, String(value)));
    body = `${fields.join('')}${part('0', '[null,"$K1"]')}--${boundary}--\r\n`;
  } else {
    body = JSON.stringify(args);
  }
  for (const [name, value] of Object.entries(all)) if (value === '') delete all[name];
  return ask(sandkeeper, path, { method: 'POST', headers: all, body });
}

type ActionResult<T> = { ok: boolean; error?: { code: string }; value: JsonOf<T> };

/** The `Result` in the response to an action, or `null` without one. */
export function resultIn<T>(answer: Answer): ActionResult<T> | null {
  const rows = rowsOf(answer);
  const json = [...rows.values()].find((row) => /^\{.*"ok":/.test(row));
  if (json === undefined) return null;
  const result = JSON.parse(json) as ActionResult<T>;
  // A long text has a row of its own.
  const reference = /^\$([0-9a-f]+)$/.exec(result.value ?? '')?.[1];
  const text = reference === undefined ? undefined : rows.get(reference);
  return text === undefined ? result : { ...result, value: text as JsonOf<T> };
}

/** The rows by which React sends a result: `id:json` and a newline, or `id:Tlength,text`. The length is in hexadecimal bytes. */
function rowsOf({ body }: Answer): Map<string, string> {
  const rows = new Map<string, string>();
  let at = 0;
  while (at < body.length) {
    const head = /^([0-9a-f]+):(?:T([0-9a-f]+),)?/.exec(body.toString('latin1', at, at + 40));
    const start = at + (head?.[0].length ?? 0);
    const newline = body.indexOf('\n', start);
    const length = head?.[2];
    const end =
      length === undefined ? (newline < 0 ? body.length : newline) : start + Number.parseInt(length, 16);
    if (head?.[1] !== undefined) rows.set(head[1], body.toString('utf8', start, end));
    at = length === undefined ? end + 1 : end;
  }
  return rows;
}
