import { Agent, request } from 'node:http';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

/** Answers each request with bytes made from the seed in its path. */
const SERVER = `
import random, re, socket, threading, time
def noise(r, most): return bytes(r.randrange(256) for _ in range(r.randrange(most)))
def status(r):
    code = r.choice([b'099', b'000', b'200', b'204', b'304', b'999', b'600', b'101', b'100', b'103', b'20', b'2000', b'-1', b'abc', b'\\xd9\\xa2\\xd9\\xa0\\xd9\\xa0', b'%03d' % r.randrange(1000)])
    reason = r.choice([b'OK', b'', b'\\x01\\x02', b'a\\tb', b'\\x7f', b'\\x00', b'\\xff\\xfe', b'x' * 70000, noise(r, 20)])
    version = r.choice([b'HTTP/1.1'] * 8 + [b'HTTP/1.0', b'HTTP/9.9', b'ICY', b'http/1.1'])
    return version + b' ' + code + b' ' + reason + r.choice([b'\\r\\n'] * 5 + [b'\\n', b'\\r', b''])
def header(r):
    name = r.choice([b'X-A', b'Set-Cookie', b'__proto__', b'constructor', b'Connection', b'Upgrade', b'Trailer', b'Content-Type', b'', b'a b', b'\\x01', noise(r, 8)])
    value = r.choice([b'1', b'close, x-a', b'\\x00', b'\\x0b', b'\\xff', b'y' * 20000, b'a\\r\\n folded', noise(r, 30)])
    return name + r.choice([b': '] * 5 + [b':', b' : ', b'']) + value + b'\\r\\n'
def framing(r):
    return r.choice([b'', b'Content-Length: 5\\r\\n', b'Content-Length: 99999999999999999999\\r\\n', b'Content-Length: -1\\r\\n', b'Content-Length: 5\\r\\nContent-Length: 6\\r\\n', b'Content-Length: 0x5\\r\\n', b'Transfer-Encoding: chunked\\r\\n', b'Transfer-Encoding: gzip\\r\\n', b'Transfer-Encoding: chunked\\r\\nContent-Length: 3\\r\\n', b'Transfer-Encoding: identity, chunked\\r\\n'])
def body(r):
    return r.choice([b'hello', b'', b'5\\r\\nhello\\r\\n0\\r\\n\\r\\n', b'5\\r\\nhello\\r\\n0\\r\\nX-T: \\x01\\r\\n\\r\\n', b'ffffffffffffffffff\\r\\n', b'-1\\r\\n', b'zz\\r\\n', b'1\\r\\nabc\\r\\n', b'x' * 100000, noise(r, 200), b'HTTP/1.1 200 OK\\r\\n\\r\\n'])
def serve(peer):
    with peer:
        peer.settimeout(3)
        head = b''
        while b'\\r\\n\\r\\n' not in head:
            more = peer.recv(65536)
            if not more: return
            head += more
        r = random.Random(int(re.match(rb'\\w+ /(\\d+)', head)[1]))
        kind = r.randrange(12)
        if kind < 2: answer = b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nX-A: ' + noise(r, 3) + b'\\r\\n\\r\\nhello'
        elif kind == 5: answer = noise(r, r.choice([1, 400]))
        elif kind == 2: answer = b'HTTP/1.1 100 Continue\\r\\n\\r\\n' * r.randrange(200) + status(r) + b'\\r\\n'
        elif kind == 3: answer = b'HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n' + noise(r, 50)
        elif kind == 4: answer = b'HTTP/1.1 200 OK\\r\\n' + framing(r) + b'\\r\\n' + body(r)
        else: answer = status(r) + b''.join(header(r) for _ in range(r.randrange(6))) + framing(r) + b'\\r\\n' + body(r)
        if r.randrange(4) == 0: answer = answer[:r.randrange(len(answer) + 1)]
        if r.randrange(3) == 0:
            for at in range(0, min(len(answer), 3)): peer.sendall(answer[at:at + 1])
            answer = answer[3:]
        peer.sendall(answer)
        if r.randrange(24) == 0: time.sleep(3)
        elif r.randrange(4) == 0: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\x01\\0\\0\\0\\0\\0\\0\\0')
def guarded(peer):
    try: serve(peer)
    except OSError: pass
door = socket.create_server(('127.0.0.1', 8000), backlog=512)
while True: threading.Thread(target=guarded, args=(door.accept()[0],), daemon=True).start()
`;

const ANSWERS = process.env.TEST_LONG ? 10_000 : 1_000;
const ANSWER_TIMEOUT_MS = 1_000;
const CLIENT_TIMEOUT_MS = 2_000;
const SURE_MS = 90_000;

describe.runIf(canRun)('a hostile server inside a sandbox', () => {
  let engine: ProcessEngine;
  let sandbox: Awaited<ReturnType<ProcessEngine['create']>>;

  beforeAll(async () => {
    engine = await startProcessEngine({ answerTimeoutMs: ANSWER_TIMEOUT_MS });
    sandbox = await engine.create();
    await sandbox.files.write('/tmp/server.py', SERVER);
    await sandbox.commands.run('python3 /tmp/server.py', { background: true, timeoutMs: 0 });
    await until(
      async () => (await sandbox.commands.run('exec 3<>/dev/tcp/127.0.0.1/8000; echo $?')).stdout === '0\n',
    );
  });

  /** The outcome of one request, in words. Ends it after a time in which a client would give up. */
  const ask = (agent: Agent, seed: number) =>
    new Promise<string>((resolve) => {
      const sure = setTimeout(() => resolve(`seed ${seed} never ended`), SURE_MS);
      const end = (outcome: string) => {
        clearTimeout(sure);
        resolve(outcome);
      };
      const headers = { 'moru-sandbox-id': sandbox.sandboxId, 'moru-sandbox-port': '8000' };
      const method = ['GET', 'POST', 'HEAD'][seed % 3];
      const outgoing = request(`${engine.url}/${seed}`, { method, headers, agent }, (response) => {
        response.resume();
        response.once('close', () => end(String(response.statusCode)));
        response.on('error', () => {});
      });
      outgoing.setTimeout(CLIENT_TIMEOUT_MS, () => outgoing.destroy());
      outgoing.on('error', (error) => end(error.message));
      outgoing.end(method === 'POST' ? 'x'.repeat(seed % 5_000) : undefined);
    });

  test('ends no engine and leaves no call open', { timeout: 900_000 }, async () => {
    const unexpected: unknown[] = [];
    const onUnexpected = (error: unknown) => void unexpected.push(error);
    process.on('uncaughtException', onUnexpected);
    onTestFinished(() => void process.off('uncaughtException', onUnexpected));
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    onTestFinished(() => agent.destroy());

    const outcomes = new Map<string, number>();
    let next = 0;
    const worker = async () => {
      for (let seed = next++; seed < ANSWERS; seed = next++) {
        const outcome = await ask(agent, seed);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 64 }, worker));

    expect(unexpected).toEqual([]);
    expect([...outcomes.keys()].filter((outcome) => outcome.includes('never ended'))).toEqual([]);
    // The bytes reached the parser of the engine: some were good, some were refused. On a busy machine others come too late.
    expect(outcomes.get('200')).toBeGreaterThan(0);
    expect(outcomes.get('502')).toBeGreaterThan(0);
    const statuses = [...outcomes.keys()].map(Number).filter((status) => !Number.isNaN(status));
    expect(statuses.filter((status) => status < 200 || status > 599)).toEqual([]);
    // The sandbox survived, too, and the engine has closed its side of every connection.
    await until(async () => {
      const open = await sandbox.commands.run('awk \'$4 == "01" && $2 ~ /:1F40$/\' /proc/net/tcp | wc -l');
      return open.stdout === '0\n';
    });
  });

  test.each([
    ['a status below 200', 'HTTP/1.1 099 Low'],
    ['a status above 599', 'HTTP/1.1 999 High'],
    ['a change of protocol', 'HTTP/1.1 101 Switching\\r\\nConnection: upgrade\\r\\nUpgrade: x'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH'],
  ])('gets a 502 for %s', async (_, head) => {
    expect(await askOnce(head)).toMatchObject({ status: 502 });
  });

  test('loses its reason phrase', async () => {
    const reply = await askOnce('HTTP/1.1 200 \\x01\\x7f');
    expect(reply).toEqual({ status: 200, reason: 'OK', text: 'body' });
  });

  test('gets a 504 when it does not answer', async () => {
    expect(await askOnce('')).toMatchObject({ status: 504 });
  });

  /** Serves one connection inside with this head and the body "body", and asks it. No head answers nothing. */
  const askOnce = async (head: string) => {
    const answer = head === '' ? 'time.sleep(5)' : `c.sendall(b"${head}\\r\\n\\r\\nbody")`;
    const script = `import socket,time\ns = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)\nc = s.accept()[0]; c.recv(65536); ${answer}; c.close()`;
    const server = await sandbox.commands.run(`python3 -c '${script}'`, { background: true });
    await until(() => server.stdout.includes('\n'));
    const headers = { 'moru-sandbox-id': sandbox.sandboxId, 'moru-sandbox-port': server.stdout.trim() };
    const response = await fetch(engine.url, { headers });
    return { status: response.status, reason: response.statusText, text: await response.text() };
  };
});
