import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestTimeMs, runs } from '../../test-support/runs';
import { ConnectError } from './connect-error';
import { message, text, uint32 } from './messages';
import { clientStream, type Service, serverStream, unary } from './rpc';
import { decodeEnvelopes, encodeEnvelope, sendRest, startTestEnvd } from './test-envd';

const Request = message({ someText: text, count: uint32 });
const STREAM = { headers: { 'content-type': 'application/connect+json' } };
const END = { flags: 2, message: {} };

/** A service for tests. `seen` records the calls of its handlers. */
function createService() {
  const seen: { aborted: string[]; sent: number; deadlineMs: (number | null)[] } = {
    aborted: [],
    sent: 0,
    deadlineMs: [],
  };
  const service: Service = {
    Echo: unary(Request, async ({ someText, count }, { user, guest, deadlineMs }) => {
      seen.deadlineMs.push(deadlineMs);
      if (someText === 'fail') throw new ConnectError('not_found', 'nothing there');
      if (someText === 'break') throw new Error('/host/path is broken');
      if (someText === 'slow') await sleep(count, undefined, { ref: false });
      return { someText, count, user: user.name, guest: guest.id };
    }),
    Count: serverStream(Request, async ({ count, someText }, { signal }, stream) => {
      signal.addEventListener('abort', () => seen.aborted.push((signal.reason as ConnectError).code));
      if (someText === 'fail') throw new ConnectError('not_found', 'nothing there');
      for (let sent = 1; sent <= count; sent += 1) {
        await stream.send({ sent, filler: someText === 'large' ? 'x'.repeat(100_000) : '' });
        seen.sent = sent;
      }
      if (someText === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    }),
    Idle: serverStream(
      Request,
      async (_request, { signal }, stream) => {
        await sleep(150);
        await stream.send({ start: {} });
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      { keepalive: { keepalive: {} } },
    ),
    Collect: clientStream(Request, async (messages) => {
      const texts: string[] = [];
      for await (const { someText } of messages) {
        texts.push(someText);
        seen.sent = texts.length;
      }
      return { texts };
    }),
  };
  return { service, seen };
}

async function start() {
  const { service, seen } = createService();
  return { envd: await startTestEnvd({ processes: service }), seen };
}

describe('unary', () => {
  it('reads both spellings, ignores unknown fields and sets defaults', async () => {
    const { envd } = await start();
    const echo = async (body: unknown) => (await envd.unary('process.Process/Echo', body)).json;
    expect(await echo({ someText: 'a', unknown: { deep: [1] }, count: '7' })).toMatchObject({
      someText: 'a',
      count: 7,
    });
    expect(await echo({ some_text: 'b', count: null })).toMatchObject({
      someText: 'b',
      count: 0,
      user: 'user',
    });
  });

  it('acts as the named user', async () => {
    const { envd } = await start();
    const as = (name: string) => ({ authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` });
    const root = await envd.unary('process.Process/Echo', {}, { headers: as('root') });
    expect(root.json).toMatchObject({ user: 'root' });
    const unknown = await envd.unary('process.Process/Echo', {}, { headers: as('stranger') });
    expect(unknown).toMatchObject({ status: 401, json: { code: 'unauthenticated' } });
  });

  it('answers failures with a code and status, without details of the host', async () => {
    const { envd } = await start();
    const echo = (someText: string) => envd.unary('process.Process/Echo', { someText });
    expect(await echo('fail')).toMatchObject({
      status: 404,
      json: { code: 'not_found', message: 'nothing there' },
    });
    expect(await echo('break')).toMatchObject({
      status: 500,
      json: { code: 'internal', message: 'internal error' },
    });
    expect(envd.warnings.join()).toContain('/host/path is broken');
  });

  it('ends at the deadline, even if it is a decimal', async () => {
    const { envd, seen } = await start();
    const headers = { 'connect-timeout-ms': '500.0' };
    const startedMs = performance.now();
    const response = await envd.unary(
      'process.Process/Echo',
      { someText: 'slow', count: 40_000 },
      { headers },
    );
    expect(response).toMatchObject({ status: 504, json: { code: 'deadline_exceeded' } });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    for (const none of ['0', '-5', 'soon', '1e300']) {
      await envd.unary('process.Process/Echo', {}, { headers: { 'connect-timeout-ms': none } });
    }
    expect(seen.deadlineMs).toEqual([expect.any(Number), null, null, null, null]);
  });

  it('rejects malformed requests', async () => {
    const { envd } = await start();
    const post = (body: string, type = 'application/json', method = 'process.Process/Echo', more = {}) =>
      envd.request('POST', `/${method}`, { body, headers: { 'content-type': type, ...more } });
    expect(await post('{')).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });
    expect(await post('[1]')).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });
    expect(await post('{"someText":1}')).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });
    expect(await post('{"count":-1}')).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });
    expect((await post('')).status).toBe(200);
    expect((await post('{}', 'application/json; charset=utf-8')).status).toBe(200);
    expect((await post('{}', 'application/proto')).status).toBe(415);
    expect((await post('{}', 'application/connect+json')).status).toBe(415);
    expect(await post('{}', 'application/json', 'process.Process/toString')).toMatchObject({
      status: 404,
      json: { code: 'unimplemented' },
    });
    expect((await post('{}', 'application/json', 'other.Service/Echo')).status).toBe(404);
    expect((await envd.request('GET', '/process.Process/Echo')).status).toBe(405);
    expect(
      await post('{}', 'application/json', 'process.Process/Echo', { 'content-encoding': 'br' }),
    ).toMatchObject({
      status: 501,
      json: { code: 'unimplemented' },
    });
    const large = await post(`{"someText":"${'x'.repeat(9_000_000)}"}`);
    expect(large).toMatchObject({ status: 429, json: { code: 'resource_exhausted' } });
    expect(envd.warnings).toEqual([]);
  });
});

describe('server streams', () => {
  it('send envelopes and an end', async () => {
    const { envd } = await start();
    const envelopes = await envd.stream('process.Process/Count', encodeEnvelope({ count: 2 }));
    expect(envelopes).toEqual([
      { flags: 0, message: { sent: 1, filler: '' } },
      { flags: 0, message: { sent: 2, filler: '' } },
      END,
    ]);
  });

  it('report failures in their end, with status 200', async () => {
    const { envd } = await start();
    const response = await envd.request('POST', '/process.Process/Count', {
      ...STREAM,
      body: encodeEnvelope({ someText: 'fail' }),
    });
    expect(response.status).toBe(200);
    expect(decodeEnvelopes(response.body)).toEqual([
      { flags: 2, message: { error: { code: 'not_found', message: 'nothing there' } } },
    ]);
  });

  it('end with a code after a malformed request', async () => {
    const { envd } = await start();
    const hugeHeader = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0x7b]);
    const garbage: [Buffer, string][] = [
      [Buffer.alloc(0), 'invalid_argument'],
      [Buffer.from([0, 0, 0]), 'invalid_argument'],
      [encodeEnvelope('{').subarray(0, 6), 'invalid_argument'],
      [encodeEnvelope({}).subarray(0, 6), 'invalid_argument'],
      [hugeHeader, 'resource_exhausted'],
      [encodeEnvelope({}, 1), 'internal'],
      [encodeEnvelope({}, 77), 'invalid_argument'],
      [Buffer.concat([encodeEnvelope({}), encodeEnvelope({})]), 'invalid_argument'],
      [encodeEnvelope({ count: 'many' }), 'invalid_argument'],
    ];
    for (const [body, code] of garbage) {
      const envelopes = await envd.stream('process.Process/Count', body);
      expect(envelopes).toEqual([{ flags: 2, message: { error: { code, message: expect.any(String) } } }]);
    }
    expect(envd.warnings).toEqual([]);
  });

  it('end at the deadline and abort the handler', async () => {
    const { envd, seen } = await start();
    const headers = { 'connect-timeout-ms': '1000' };
    const envelopes = await envd.stream(
      'process.Process/Count',
      encodeEnvelope({ count: 1, someText: 'wait' }),
      {
        headers,
      },
    );
    expect(envelopes.at(-1)).toMatchObject({ flags: 2, message: { error: { code: 'deadline_exceeded' } } });
    expect(seen.aborted).toEqual(['deadline_exceeded']);
  });

  it('send keepalives when idle, but never first', async () => {
    const { envd } = await start();
    const headers = { 'connect-timeout-ms': '2000', 'keepalive-ping-interval': '0.05' };
    const envelopes = await envd.stream('process.Process/Idle', encodeEnvelope({}), { headers });
    expect(envelopes[0]).toEqual({ flags: 0, message: { start: {} } });
    const keepalives = envelopes.filter(({ message }) => JSON.stringify(message) === '{"keepalive":{}}');
    expect(keepalives.length).toBeGreaterThanOrEqual(2);
    expect(keepalives.length).toBeLessThanOrEqual(40);
  });

  it('wait for a slow reader', async () => {
    const { envd, seen } = await start();
    const outgoing = envd.open('POST', '/process.Process/Count', STREAM);
    outgoing.on('error', () => {});
    outgoing.end(encodeEnvelope({ count: 1_000, someText: 'large' }));
    await new Promise((resolve) => outgoing.on('response', (response) => resolve(response.pause())));
    // Until all buffers are full.
    let sent = -1;
    while (seen.sent === 0 || sent !== seen.sent) {
      sent = seen.sent;
      await sleep(300);
    }
    expect(sent).toBeLessThan(200);
    outgoing.destroy();
    await expect.poll(() => seen.aborted).toEqual(['canceled']);
  });

  it('are cut when the sandbox stops', async () => {
    const { envd, seen } = await start();
    const stream = envd.stream('process.Process/Count', encodeEnvelope({ count: 1, someText: 'wait' }));
    stream.catch(() => {});
    await expect.poll(() => seen.sent).toBe(1);
    await envd.envd.closeStreams(envd.guest.id);
    await expect(stream).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('client streams', () => {
  it('pass on each message and send one response', async () => {
    const { envd } = await start();
    const bytes = Buffer.concat(['a', 'b', 'c'].map((someText) => encodeEnvelope({ someText })));
    const outgoing = envd.open('POST', '/process.Process/Collect', STREAM);
    for (const byte of bytes) outgoing.write(Buffer.from([byte]));
    const envelopes = decodeEnvelopes((await sendRest(outgoing)).body);
    expect(envelopes).toEqual([{ flags: 0, message: { texts: ['a', 'b', 'c'] } }, END]);
  });

  it('end at the first invalid message', async () => {
    const { envd } = await start();
    const body = Buffer.concat([encodeEnvelope({ someText: 'a' }), encodeEnvelope('nonsense')]);
    const envelopes = await envd.stream('process.Process/Collect', body);
    expect(envelopes).toMatchObject([{ flags: 2, message: { error: { code: 'invalid_argument' } } }]);
  });

  it('end when the sandbox stops, even if the client sends nothing', async () => {
    const tookMs = await bestTimeMs(900, async () => {
      const { envd, seen } = await start();
      const outgoing = envd.open('POST', '/process.Process/Collect', STREAM);
      outgoing.on('error', () => {});
      const answered = new Promise((resolve) => outgoing.on('response', resolve));
      outgoing.write(encodeEnvelope({ someText: 'a' }));
      await expect.poll(() => seen.sent).toBe(1);
      const startedMs = performance.now();
      await envd.envd.closeStreams(envd.guest.id);
      const endedMs = performance.now();
      await answered;
      outgoing.destroy();
      return endedMs - startedMs;
    });
    // Less than the grace period of an unread connection.
    expect(tookMs).toBeLessThan(900);
  });
});

it('answers any body and keeps running', async () => {
  const { envd } = await start();
  const known = ['process.Process/Echo', 'process.Process/Count', 'process.Process/Collect'];
  const methods = [...known, 'filesystem.Filesystem/Stat', 'filesystem.Filesystem/WatchDir'];
  const types = ['application/json', 'application/connect+json', 'multipart/form-data; boundary=b'];
  const path = fc.constantFrom('/files?path=x', ...methods.map((method) => `/${method}`));
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.constantFrom(...types),
      fc.uint8Array({ maxLength: 200 }),
      async (to, type, bytes) => {
        const headers = { 'content-type': type, 'connect-timeout-ms': '5000' };
        const { status } = await envd.request('POST', to, { headers, body: Buffer.from(bytes) });
        expect([200, 400, 404, 415, 429, 500, 501]).toContain(status);
      },
    ),
    { numRuns: runs(200) },
  );
  expect(envd.warnings).toEqual([]);
  expect((await envd.unary('process.Process/Echo', {})).status).toBe(200);
});
