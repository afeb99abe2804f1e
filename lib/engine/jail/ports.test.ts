import { type IncomingHttpHeaders, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { Sandbox } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

const SERVER = `
import http.server, socketserver
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        if self.path == '/big':
            self.send_response(200); self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
            for _ in range(320): self.wfile.write(b'10000\\r\\n' + b'x' * 65536 + b'\\r\\n')
            self.wfile.write(b'0\\r\\n\\r\\n'); return
        if self.path == '/headers': body = str(self.headers).encode()
        else: body = (self.path + ' ' + self.headers.get('X-Mine', '')).encode()
        self.send_response(203); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        size = int(self.headers['Content-Length']); total = 0
        while total < size: total += len(self.rfile.read(min(65536, size - total)))
        body = str(total).encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
socketserver.ThreadingTCPServer(('127.0.0.1', 8000), H).serve_forever()
`;

const UPGRADE_SERVER = `
import http.server, socketserver
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        key = self.headers.get('Sec-WebSocket-Key')
        if self.headers.get('Upgrade') != 'websocket' or key == 'refuse':
            self.send_response(403 if key else 426); self.send_header('Content-Length', '0'); self.end_headers(); return
        self.send_response(101); self.send_header('Upgrade', 'websocket'); self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', key); self.end_headers()
        self.wfile.write(f"GET {self.path} {'X-Api-Key' in self.headers};".encode()); self.wfile.flush()
        while True:
            data = self.connection.recv(100)
            if not data: break
            self.connection.sendall(data.upper())
        self.close_connection = True
socketserver.ThreadingTCPServer(('127.0.0.1', 8002), H).serve_forever()
`;

/** Signed by itself, for localhost, valid for a hundred years. */
const KEY_AND_CERTIFICATE = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRAsChfhmTHuygoSb
d0vx2h2XtDDShprdNJQ5hV7uY+qhRANCAAS+9ZBINCYng+j4tTQqqrEQJCjQAVwc
asc8ORKRnXCP8hxqp2GFz0mT6Ctz6Cj+zqJTmo7yvCTmk4FzIKPkIXXS
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUAzZVhoWLLeqQYcygSmqPODaf76UwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTIwMTEzMzgwMloYDzIxMjYxMTA3
MTMzODAyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS+9ZBINCYng+j4tTQqqrEQJCjQAVwcasc8ORKRnXCP8hxqp2GFz0mT
6Ctz6Cj+zqJTmo7yvCTmk4FzIKPkIXXSo1MwUTAdBgNVHQ4EFgQUiPBcCHxd+17K
ICVbPo8QuxYseeMwHwYDVR0jBBgwFoAUiPBcCHxd+17KICVbPo8QuxYseeMwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA4IQVgzt9iUz3MOtQAihW
kkYdvpds/XMsmtXheAMe6ggCIQCmyiHbO6MtPy6Sa2RodulTjmD99rnQmtaN71et
Lx6J4g==
-----END CERTIFICATE-----
`;

const TLS_SERVER = `
import http.server, ssl
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).upper()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 8443), H)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('/tmp/server.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
`;

describe.runIf(canRun)('ports of a sandbox', () => {
  let engine: ProcessEngine;
  let id: string;

  beforeAll(async () => {
    engine = await startProcessEngine();
    const sandbox = await engine.create();
    id = sandbox.sandboxId;
    await sandbox.files.write('/tmp/server.py', SERVER);
    await sandbox.commands.run('python3 /tmp/server.py', { background: true, timeoutMs: 0 });
    await until(async () => (await ask('GET', '/')).status === 203);
  });

  const ask = (
    method: string,
    path: string,
    body: Buffer | null = null,
    port = 8000,
    more: Record<string, string> = {},
  ) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const headers = { 'moru-sandbox-id': id, 'moru-sandbox-port': String(port), 'x-mine': 'hi', ...more };
      const outgoing = request(`${engine.url}${path}`, { method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  test('pass on the masked host, and the one of the request beside it', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
    const network = { maskRequestHost: 'app.example:${PORT}' };
    const { json } = await engine.api('POST', '/sandboxes', { templateID: 'base', timeout: 60, network });
    const masked = (json as { sandboxID: string }).sandboxID;
    const inside = await engine.connect(masked);
    await inside.files.write('/tmp/server.py', SERVER);
    await inside.commands.run('python3 /tmp/server.py', { background: true, timeoutMs: 0 });
    const headers = { 'moru-sandbox-id': masked, 'x-forwarded-host': 'liar.example' };
    await until(async () => (await ask('GET', '/', null, 8000, headers)).status === 203);
    const { body } = await ask('GET', '/headers', null, 8000, headers);
    expect(String(body)).toMatch(/^Host: app\.example:8000$/im);
    expect(String(body)).toMatch(/^X-Forwarded-Host: (127\.0\.0\.1|localhost):\d+$/im);
    expect(String(body)).not.toContain('liar');
    await inside.kill();
  });

  test('speak TLS to the servers of the named ports alone', async () => {
    const network = { httpsPorts: [8443] };
    const { json } = await engine.api('POST', '/sandboxes', { templateID: 'base', timeout: 60, network });
    const secured = (json as { sandboxID: string }).sandboxID;
    const inside = await engine.connect(secured);
    await inside.files.write('/tmp/server.pem', KEY_AND_CERTIFICATE);
    await inside.files.write('/tmp/tls.py', TLS_SERVER);
    await inside.files.write('/tmp/server.py', SERVER);
    for (const name of ['tls', 'server']) {
      await inside.commands.run(`python3 /tmp/${name}.py`, { background: true, timeoutMs: 0 });
    }
    const body = Buffer.alloc(300_000, 'a');
    const post = (port: number) => ask('POST', '/', body, port, { 'moru-sandbox-id': secured });
    await until(async () => (await post(8443)).status === 200);
    expect(String((await post(8443)).body)).toBe('A'.repeat(body.length));
    await until(async () => (await post(8000)).status === 200);
    await inside.kill();
  });

  test('return the response of the server inside', async () => {
    const { status, body } = await ask('GET', '/some/path?q=1');
    expect(status).toBe(203);
    expect(body.toString()).toBe('/some/path?q=1 hi');
  });

  test('receive no credentials of the caller but their own', async () => {
    const { body } = await ask('GET', '/headers', null, 8000, {
      'x-api-key': engine.apiKey,
      'x-access-token': 'a'.repeat(64),
      authorization: `Bearer ${engine.apiKey}`,
      cookie: 'mine=1; sandkeeper_session_3000=secret',
      'x-app-key': 'of-the-app',
    });
    const seen = body.toString().toLowerCase();
    expect(seen).not.toMatch(/x-api-key|x-access-token|authorization|sandkeeper_session|moru-sandbox|secret/);
    expect(seen).not.toContain(engine.apiKey);
    expect(seen).toContain('x-app-key: of-the-app');
    expect(seen).toContain('cookie: mine=1');
  });

  test('transfer large bodies in both directions', async () => {
    const { body } = await ask('GET', '/big');
    expect(body.length).toBe(320 * 65_536);
    const sent = await ask('POST', '/', Buffer.alloc(5_000_000));
    expect(sent.body.toString()).toBe('5000000');
  });

  test('change to another protocol, as WebSocket does', async () => {
    const inside = await engine.connect(id);
    await inside.files.write('/tmp/upgrade.py', UPGRADE_SERVER);
    await inside.commands.run('python3 /tmp/upgrade.py', { background: true, timeoutMs: 0 });
    await until(async () => (await ask('GET', '/', null, 8002)).status === 426);
    const open = (key: string) => {
      const headers = {
        ...{ 'moru-sandbox-id': id, 'moru-sandbox-port': '8002', 'x-api-key': engine.apiKey },
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key },
      };
      const outgoing = request(`${engine.url}/chat?x=1`, { headers, agent: false }).end();
      return new Promise<{ headers: IncomingHttpHeaders; socket: Duplex; head: Buffer }>(
        (resolve, reject) => {
          outgoing.once('upgrade', ({ headers: answered }, socket, head) =>
            resolve({ headers: answered, socket, head }),
          );
          outgoing
            .once('response', ({ statusCode }) => reject(new Error(String(statusCode))))
            .once('error', reject);
        },
      );
    };
    const { headers, socket, head } = await open('the-key');
    expect(headers).toMatchObject({
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-accept': 'the-key',
    });
    let received = String(head);
    socket.on('data', (chunk) => {
      received += chunk;
    });
    await until(() => received === 'GET /chat?x=1 False;');
    socket.write('hello');
    await until(() => received.endsWith('HELLO'));
    socket.destroy();
    await expect(open('refuse')).rejects.toThrow('403');
    const { socket: last } = await open('the-key');
    last.resume();
    const ended = new Promise((resolve) => last.once('close', resolve));
    await Sandbox.betaPause(id, engine.connection);
    await ended;
    await Sandbox.connect(id, engine.connection);
  });

  test('serve a request for envd that offers another protocol', async () => {
    const more = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQ' };
    const headers = { ...more, 'moru-sandbox-id': id, 'content-type': 'application/json' };
    const body = Buffer.from(JSON.stringify({ path: '/' }));
    const { status } = await ask('POST', '/filesystem.Filesystem/Stat', body, 49_983, headers);
    expect(status).toBe(401);
    expect((await ask('GET', '/health', null, 49_983, more)).status).toBe(204);
  });

  test('return 502 if nothing listens', async () => {
    const { status, body } = await ask('GET', '/', null, 8001);
    expect(status).toBe(502);
    expect(JSON.parse(body.toString())).toMatchObject({ sandboxId: id, port: 8001, code: 502 });
  });

  test('do not reach servers on the host', async () => {
    expect((await ask('GET', '/', null, engine.port)).status).toBe(502);
  });
});
