import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { findSession, sessionCookieName } from '../access/sessions';
import { config } from '../config';
import { database } from '../db/client';
import type { Role } from '../roles';
import { apiOf } from '../sandbox-api/configured';
import type { SandboxKey } from '../sandbox-key';
import { localKey, type ServiceEngine, serveHttp } from '../test-support/environment';
import { signInAs } from '../test-support/people';
import { serveFiles } from './transfer/serve';

/** An HTTP server of the file routes for tests, and a client. */

export type FileRequest = {
  method?: string;
  role?: Role | null;
  headers?: Record<string, string>;
  body?: Buffer | string;
};

export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer; json: unknown };

export const hasPython = spawnSync('python3', ['--version']).status === 0;

const cookies = new Map<Role, string>();

async function cookieOf(role: Role): Promise<string> {
  const value = cookies.get(role) ?? (await signInAs(role, `an ${role}`));
  cookies.set(role, value);
  return `${sessionCookieName()}=${value}`;
}

/** The person whose requests have this role. */
export async function userIdOf(role: Role = 'operator'): Promise<string> {
  const [, value] = (await cookieOf(role)).split('=');
  return (await findSession(value))?.userId ?? '';
}

/** Starts a server for this test and returns its address. */
export function startFileServer(): Promise<string> {
  return serveHttp((req, res) => {
    if (!serveFiles(req, res)) res.writeHead(404).end();
  });
}

/** Sends a request. The body of the response is still to be read. */
export async function openRequest(
  url: string,
  { method = 'GET', role = 'operator', headers = {}, body }: FileRequest = {},
): Promise<IncomingMessage> {
  const all: Record<string, string> = { origin: `http://localhost:${config().port}`, ...headers };
  if (role !== null) all.cookie = await cookieOf(role);
  if (all.origin === '') delete all.origin;
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers: all, agent: false }, resolve);
    call.on('error', reject);
    call.end(body);
  });
}

/** Sends a request and reads the whole response. */
export async function sendRequest(url: string, options: FileRequest = {}): Promise<Answer> {
  const answer = await openRequest(url, options);
  const body = await buffer(answer);
  const isJson = answer.headers['content-type'] === 'application/json';
  const json: unknown = isJson ? JSON.parse(body.toString()) : undefined;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body, json };
}

/** A sandbox and the path of its files on this machine. */
export async function newSandbox(
  engine: ServiceEngine,
): Promise<{ id: string; key: SandboxKey; root: string }> {
  const id = await engine.create();
  const key = localKey(id);
  await (await apiOf(key).openEnvd(key)).stat('/', AbortSignal.timeout(120_000));
  const root = engine.inside(id, '');
  fs.mkdirSync(`${root}/data`, { recursive: true });
  return { id, key, root };
}

/** The audit log of a sandbox, oldest first. */
export async function auditLog(sandboxKey: SandboxKey): Promise<string[]> {
  const rows = await (await database())
    .selectFrom('access_log')
    .select(['kind', 'path'])
    .where('sandbox_key', '=', sandboxKey)
    .orderBy('id')
    .execute();
  return rows.map(({ kind, path }) => `${kind} ${path}`);
}
