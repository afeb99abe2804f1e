import fs from 'node:fs';
import { type ClientRequest, createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox } from '@moru-ai/core';
import { onTestFinished } from 'vitest';
import { ENVD_PORT, type Guest } from '../guests';
import { prepareRoot } from '../jail/rootfs';
import { Envd, type EnvdOptions } from './envd';

export const ACCESS_TOKEN = '0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0';

export type TestResponse = { status: number; headers: IncomingHttpHeaders; body: Buffer; json: unknown };

export type RequestOptions = {
  body?: string | Buffer;
  headers?: Record<string, string>;
  /** Defaults to the right token; null sends none. */
  token?: string | null;
};

export class TestEnvd {
  constructor(
    readonly warnings: readonly string[],
    readonly envd: Envd,
    readonly guest: Guest,
    readonly port: number,
    readonly rootDir: string,
  ) {}

  /** Host path of a path inside the sandbox. */
  inside(path: string): string {
    return join(this.rootDir, path);
  }

  sandbox(): Sandbox {
    const sandboxUrl = `http://127.0.0.1:${this.port}`;
    const options = {
      sandboxId: this.guest.id,
      envdVersion: '0.4.3',
      envdAccessToken: ACCESS_TOKEN,
      sandboxUrl,
    };
    return new Sandbox({ ...options, apiKey: 'moru_0000000000000000000000000000000000000000' });
  }

  /** Starts a request, which the caller ends. */
  open(
    method: string,
    path: string,
    { headers = {}, token = ACCESS_TOKEN }: RequestOptions = {},
  ): ClientRequest {
    const access = token === null ? {} : { 'x-access-token': token };
    const target = { host: '127.0.0.1', port: this.port, method, path, agent: false as const };
    return request({ ...target, headers: { ...access, ...headers } });
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<TestResponse> {
    return sendRest(this.open(method, path, options), options.body);
  }

  unary(method: string, message: unknown, options: RequestOptions = {}): Promise<TestResponse> {
    const headers = { 'content-type': 'application/json', ...options.headers };
    return this.request('POST', `/${method}`, { body: JSON.stringify(message), ...options, headers });
  }

  /** Makes a stream RPC and reads it to the end. The last envelope is the end of the stream. */
  async stream(method: string, body: Buffer, options: RequestOptions = {}): Promise<Envelope[]> {
    const headers = { 'content-type': 'application/connect+json', ...options.headers };
    const response = await this.request('POST', `/${method}`, { ...options, body, headers });
    return decodeEnvelopes(response.body);
  }
}

/** Starts envd with one sandbox behind a plain HTTP server until the end of the test. */
export async function startTestEnvd(
  options: Partial<EnvdOptions> = {},
  guestOptions: Partial<Guest> = {},
): Promise<TestEnvd> {
  const base = fs.mkdtempSync(join(tmpdir(), 'envd-'));
  fs.chmodSync(base, 0o711);
  const id = 'iabcdefghij0123456789';
  const guest: Guest = {
    id,
    templateId: 'base',
    state: 'running',
    secure: true,
    accessToken: ACCESS_TOKEN,
    envVars: { GREETING: 'hello' },
    cpuCount: 2,
    memoryMB: 512,
    diskSizeMB: 10_240,
    allowInternetAccess: true,
    dialect: 'moru',
    httpsPorts: [],
    dataDir: join(base, 'guests', id),
    ...guestOptions,
  };
  fs.mkdirSync(join(base, 'guests'), { mode: 0o711 });
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const envd = new Envd({ prepareRoot, processes: {}, usage: () => null, warn, ...options });
  const server = createServer((incoming, outgoing) => {
    const port = Number(incoming.headers['moru-sandbox-port'] ?? ENVD_PORT);
    void envd.handle(guest, port, incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { rootDir } = await prepareRoot(guest);
  onTestFinished(async () => {
    await envd.closeStreams(guest.id);
    envd.forget(guest.id);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    fs.rmSync(base, { recursive: true, force: true });
  });
  return new TestEnvd(warnings, envd, guest, (server.address() as AddressInfo).port, rootDir);
}

/** Sends the rest of a request and reads the response. */
export function sendRest(outgoing: ClientRequest, body?: string | Buffer): Promise<TestResponse> {
  const response = readResponse(outgoing);
  outgoing.end(body);
  return response;
}

/** Reads the response to a request that may still be sending. */
export function readResponse(outgoing: ClientRequest): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const all = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: all,
          json: parse(all.toString()),
        });
      });
    });
  });
}

export type Envelope = { flags: number; message: unknown };

export function encodeEnvelope(message: unknown, flags = 0): Buffer {
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  const header = Buffer.alloc(5);
  header.writeUInt8(flags, 0);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

export function decodeEnvelopes(bytes: Buffer): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let start = 0; start + 5 <= bytes.length; ) {
    const end = start + 5 + bytes.readUInt32BE(start + 1);
    if (end > bytes.length) break;
    envelopes.push({ flags: bytes.readUInt8(start), message: parse(bytes.toString('utf8', start + 5, end)) });
    start = end;
  }
  return envelopes;
}

export function formOf(parts: readonly (readonly [disposition: string, content: string | Buffer])[]): {
  body: Buffer;
  headers: Record<string, string>;
} {
  const boundary = '----form-0123456789';
  const pieces = parts.flatMap(([disposition, content]) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
  return {
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
