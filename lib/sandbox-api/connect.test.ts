import { describe, expect, it } from 'vitest';
import { serveHttp, thrownBy } from '../test-support/environment';
import { callConnect, streamConnect } from './connect';

const signal = AbortSignal.timeout(120_000);

function envelope(flags: number, text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** The messages of a stream whose server sends these bytes in chunks of `cutInto`. */
async function streamOf(bytes: Buffer, cutInto = bytes.length): Promise<unknown[]> {
  const baseUrl = await serveHttp(async (_req, res) => {
    res.writeHead(200);
    for (let at = 0; at < bytes.length; at += cutInto) {
      res.write(bytes.subarray(at, at + cutInto));
      await new Promise((resolve) => setImmediate(resolve));
    }
    res.end();
  });
  const messages: unknown[] = [];
  const stream = streamConnect({ baseUrl, headers: {}, callMs: 15_000 }, 'a.A/Stream', {}, { signal });
  for await (const message of stream) messages.push(message);
  return messages;
}

describe('a stream', () => {
  const whole = Buffer.concat([envelope(0, '{"n":1}'), envelope(0, '{"text":"ü"}'), envelope(2, '{}')]);

  it.each([1, 7, whole.length])('yields its messages from chunks of %i bytes', async (cutInto) => {
    expect(await streamOf(whole, cutInto)).toEqual([{ n: 1 }, { text: 'ü' }]);
  });

  it('throws the error of its end message', async () => {
    const refused = envelope(2, '{"error":{"code":"not_found","message":"no such process"}}');
    expect(await thrownBy(() => streamOf(refused))).toMatchObject({ code: 'not_found' });
  });

  it('throws if it ends without an end message', async () => {
    expect(await thrownBy(() => streamOf(whole.subarray(0, 12)))).toMatchObject({ code: 'unavailable' });
  });

  it('rejects a message that is too long', async () => {
    const endless = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    expect(await thrownBy(() => streamOf(endless))).toMatchObject({ code: 'out_of_range' });
  });

  it('closes its connection when it is left', async () => {
    let close = () => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const baseUrl = await serveHttp((_req, res) => {
      res.writeHead(200);
      res.write(envelope(0, '{}'));
      res.on('close', close);
    });
    for await (const _ of streamConnect(
      { baseUrl, headers: {}, callMs: 15_000 },
      'a.A/Stream',
      {},
      { signal },
    ))
      break;
    await closed;
  });
});

describe('a call', () => {
  it('sends the headers and the message and returns the body', async () => {
    const baseUrl = await serveHttp((req, res) => {
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => {
        const { 'x-access-token': token, 'connect-timeout-ms': timeout } = req.headers;
        res.end(JSON.stringify({ url: req.url, token, timeout, body: JSON.parse(body) }));
      });
    });
    const endpoint = { baseUrl: `${baseUrl}/`, headers: { 'x-access-token': 't' }, callMs: 15_000 };
    expect(await callConnect(endpoint, 'a.A/Call', { n: 1 }, { signal, timeoutMs: 9_999.5 })).toEqual({
      url: '/a.A/Call',
      token: 't',
      timeout: '10000',
      body: { n: 1 },
    });
  });

  it('throws the error of the service or of a proxy', async () => {
    const answers = ['{"code":"not_found","message":"none"}', '{"code":502,"message":"gone"}', '<html>'];
    const baseUrl = await serveHttp((_req, res) => res.writeHead(502).end(answers.shift()));
    const refused = () =>
      thrownBy(() => callConnect({ baseUrl, headers: {}, callMs: 15_000 }, 'a.A/Call', {}, { signal }));
    expect(await refused()).toMatchObject({ code: 'not_found', message: 'none' });
    expect(await refused()).toMatchObject({ code: 'http_502', message: 'gone' });
    expect(await refused()).toMatchObject({ code: 'http_502' });
  });

  it('does not follow redirects', async () => {
    let isReached = false;
    const elsewhere = await serveHttp((_req, res) => {
      isReached = true;
      res.end('{}');
    });
    const baseUrl = await serveHttp((_req, res) => res.writeHead(307, { location: elsewhere }).end());
    await thrownBy(() => callConnect({ baseUrl, headers: {}, callMs: 15_000 }, 'a.A/Call', {}, { signal }));
    expect(isReached).toBe(false);
  });
});
