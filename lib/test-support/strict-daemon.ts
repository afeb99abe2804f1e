import { spawn } from 'node:child_process';
import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';

/**
 * A data plane that behaves like envd 0.6 where that is stricter than the local engine (docs/protocol.md): it cannot send a name
 * that is not UTF-8, names a broken link as its own target, starts every program through `nice`, and cannot seek below `/proc`.
 * It serves the files and programs of this machine, so give it nothing but paths of a test.
 */
export type DaemonOptions = {
  sandboxId: string;
  token: string;
  /** The prefix of the headers that name the sandbox. */
  prefix?: 'e2b' | 'moru';
  /** Paths that its image does not have. */
  missing?: readonly string[];
  /** Called with each request that was admitted. */
  onRequest?: (request: IncomingMessage) => void;
};

/** Answers a request to the data plane. Returns false for any other. */
export function answerAsDaemon(options: DaemonOptions) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = new URL(request.url ?? '/', 'http://daemon');
    const rpc = /^\/(?:filesystem\.Filesystem|process\.Process)\/(\w+)$/.exec(url.pathname)?.[1];
    if (rpc === undefined && url.pathname !== '/files') return false;
    const refusal = refusalOf(request, options);
    if (refusal !== null) {
      refuse(response, ...refusal);
      return true;
    }
    options.onRequest?.(request);
    if (rpc === undefined) sendFile(response, url.searchParams.get('path') ?? '');
    else void bodyOf(request).then((body) => answerRpc(rpc, body, response, options));
    return true;
  };
}

type Refusal = [status: number, code: string | number, message: string];

function refusalOf(
  { headers }: IncomingMessage,
  { sandboxId, token, prefix = 'e2b' }: DaemonOptions,
): Refusal | null {
  const id = headers[`${prefix}-sandbox-id`];
  const port = headers[`${prefix}-sandbox-port`];
  if (id === undefined || port !== '49983') return [400, 400, 'Invalid host'];
  if (id !== sandboxId) return [502, 502, 'The sandbox was not found'];
  if (headers['x-access-token'] !== token)
    return [401, 401, 'unauthorized access, please provide a valid access token'];
  return null;
}

function refuse(response: ServerResponse, status: number, code: string | number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code, message }));
}

type Rpc = { path?: string; process?: { cmd: string; args?: string[]; cwd?: string }; pty?: object };

function answerRpc(method: string, body: Buffer, response: ServerResponse, options: DaemonOptions): void {
  if (method === 'Start') {
    const { process, pty } = JSON.parse(body.subarray(5).toString('utf8')) as Rpc;
    if (process) start(response, process, pty !== undefined);
  } else answerUnary(method, JSON.parse(body.toString('utf8')) as Rpc, response, options);
}

function answerUnary(
  method: string,
  { path = '' }: Rpc,
  response: ServerResponse,
  options: DaemonOptions,
): void {
  const isHidden = options.missing?.includes(path) ?? false;
  const isMissing = isHidden || !fs.existsSync(path);
  if (method === 'SendSignal') reply(response, {});
  else if (method === 'Stat' && (isHidden || (isMissing && !isLink(path))))
    refuse(response, 404, 'not_found', `file not found: ${path}`);
  else if (method === 'Stat') reply(response, { entry: entryOf(path) });
  else if (method !== 'ListDir') refuse(response, 501, 'unimplemented', `${method} is not implemented`);
  else if (isMissing) refuse(response, 404, 'not_found', `path not found: ${path}`);
  else if (!fs.statSync(path).isDirectory())
    refuse(response, 400, 'invalid_argument', `path is not a directory: ${path}`);
  else listDir(path, response);
}

function listDir(path: string, response: ServerResponse): void {
  const names = fs.readdirSync(path, { encoding: 'buffer' });
  if (names.some((name) => !Buffer.from(name.toString('utf8')).equals(name)))
    refuse(response, 500, 'internal', 'marshal message: string field contains invalid UTF-8');
  else reply(response, { entries: names.map((name) => entryOf(`${path.replace(/\/+$/, '')}/${name}`)) });
}

function reply(response: ServerResponse, content: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}

function isLink(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** An entry as Go describes it: the target of a link that leads nowhere is the link itself. */
function entryOf(path: string): object {
  const stat = fs.lstatSync(path);
  const entry = {
    name: basename(path),
    path,
    size: String(stat.size),
    mode: stat.mode & 0o777,
    permissions: `${isLink(path) ? 'L' : stat.isDirectory() ? 'd' : '-'}${rightsOf(stat.mode)}`,
    owner: 'user',
    group: 'user',
    modifiedTime: stat.mtime.toISOString(),
  };
  if (!isLink(path)) return { ...entry, type: typeOf(stat) };
  try {
    return { ...entry, type: typeOf(fs.statSync(path)), symlinkTarget: fs.realpathSync(path) };
  } catch {
    return { ...entry, symlinkTarget: path };
  }
}

function typeOf(stat: fs.Stats): string {
  if (stat.isFile()) return 'FILE_TYPE_FILE';
  return stat.isDirectory() ? 'FILE_TYPE_DIRECTORY' : 'FILE_TYPE_UNSPECIFIED';
}

function rightsOf(mode: number): string {
  return [...'rwxrwxrwx'].map((letter, at) => ((mode & (0o400 >> at)) === 0 ? '-' : letter)).join('');
}

/** Starts a program as newer daemons do, so that a missing one is a failure of `nice`. */
function start(
  response: ServerResponse,
  { cmd, args = [], cwd = '/' }: NonNullable<Rpc['process']>,
  isTerminal: boolean,
): void {
  response.writeHead(200, { 'content-type': 'application/connect+json' });
  const child = spawn('/bin/sh', ['-c', 'exec nice -n 0 "$@"', '--', cmd, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const send = (event: object) => response.write(envelope(0, { event }));
  send({ start: { pid: child.pid } });
  const output = isTerminal ? ['pty', 'pty'] : ['stdout', 'stderr'];
  child.stdout.on('data', (bytes: Buffer) => send({ data: { [`${output[0]}`]: bytes.toString('base64') } }));
  child.stderr.on('data', (bytes: Buffer) => send({ data: { [`${output[1]}`]: bytes.toString('base64') } }));
  child.on('close', (code) => {
    send({ end: { exited: true, status: `exit status ${code}`, ...(code ? { exitCode: code } : {}) } });
    response.end(envelope(2, {}));
  });
  response.on('close', () => child.kill('SIGKILL'));
}

function envelope(flags: number, content: object): Buffer {
  const body = Buffer.from(JSON.stringify(content));
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function sendFile(response: ServerResponse, path: string): void {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) refuse(response, 404, 404, `path '${path}' does not exist`);
  else if (stat.isDirectory()) refuse(response, 400, 400, `path '${path}' is a directory`);
  // Below /proc the end cannot be sought.
  else if (path.startsWith('/proc/')) response.writeHead(500).end("seeker can't seek\n");
  else response.writeHead(200, { 'content-length': stat.size }).end(fs.readFileSync(path));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
