import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { serveHttp, thrownBy } from '../test-support/environment';
import { type ServiceRequest, sendRequest } from './transport';

/** A request without headers and body. */
const get = (url: string): ServiceRequest => ({
  method: 'GET',
  url,
  headers: {},
  signal: new AbortController().signal,
});

describe('a request', () => {
  it('is sent unchanged and returns the status, headers and body', async () => {
    const url = await serveHttp((req, res) => {
      let body = '';
      req.on('data', (part) => {
        body += part;
      });
      req.on('end', () => {
        res.writeHead(201, { 'x-next-token': 'u==' });
        res.end(JSON.stringify({ method: req.method, url: req.url, key: req.headers['x-api-key'], body }));
      });
    });
    const { status, header, bytes } = await sendRequest({
      ...get(`${url}/a?b=%25`),
      method: 'POST',
      body: { ü: 1 },
      headers: { 'x-api-key': 'k' },
    });
    expect([status, header('x-next-token'), header('constructor')]).toEqual([201, 'u==', null]);
    const sent = { method: 'POST', url: '/a?b=%25', key: 'k', body: '{"ü":1}' };
    expect(JSON.parse(bytes.toString('utf8'))).toEqual(sent);
  });

  it('reuses a connection', async () => {
    const ports = new Set<number | undefined>();
    const url = await serveHttp((req, res) => {
      ports.add(req.socket.remotePort);
      res.writeHead(204).end();
    });
    for (let time = 0; time < 5; time += 1) expect((await sendRequest(get(url))).status).toBe(204);
    // The pool may take another connection while it finishes an answer.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it('does not follow redirects', async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = await serveHttp((req, res) => {
      asked.push(req.url);
      res.end();
    });
    const url = await serveHttp((_req, res) => res.writeHead(302, { location: elsewhere }).end());
    expect((await sendRequest(get(url))).status).toBe(302);
    expect(asked).toEqual([]);
  });

  it('can be aborted before and during the response', async () => {
    const url = await serveHttp((req, res) => {
      if (req.url === '/half') res.write('{');
    });
    for (const path of ['/silent', '/half']) {
      const asking = new AbortController();
      const failing = thrownBy(() => sendRequest({ ...get(url + path), signal: asking.signal }));
      setTimeout(() => asking.abort(new DOMException('Out of time.', 'TimeoutError')), 50);
      expect(await failing).toMatchObject({ name: 'TimeoutError' });
    }
  });

  it.each<[string, (req: IncomingMessage, res: ServerResponse) => void]>([
    ['is cut off before the answer', (req) => req.socket.destroy()],
    [
      'is cut off within it',
      (_req, res) => {
        res.writeHead(200, { 'content-length': '10' });
        res.write('half');
        setTimeout(() => res.destroy(), 20);
      },
    ],
    ['has no answer in HTTP', (req) => req.socket.end('hello\r\n\r\n')],
    [
      'has a status that there is not',
      (req) => req.socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
    ],
  ])('that %s fails', async (_, answer) => {
    const url = await serveHttp(answer);
    expect(await thrownBy(() => sendRequest(get(url)))).toBeInstanceOf(TypeError);
  });

  it('fails if no server listens', async () => {
    expect(await thrownBy(() => sendRequest(get('http://127.0.0.1:9')))).toBeInstanceOf(TypeError);
  });
});
