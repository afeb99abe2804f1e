import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { randomFrom } from '../../lib/test-support/random';
import { Sandkeeper } from '../support/deployment';
import { brokenFrame, frameOf } from '../support/hostile-frames';
import { requestOf } from '../support/hostile-requests';
import { ask, openLive } from '../support/http';

/** Hostile requests and frames. None of them may end the server, reach an unguarded throw, or stay open. */

const INPUTS = process.env.TEST_LONG ? 10_000 : 600;
/** Every fifth input is a live socket with ten frames. */
const FRAMES_EACH = 10;
const AT_A_TIME = 60;
const DEADLINE_MS = 500;
/** For a busy machine that renders many pages at a time. */
const SLACK_MS = 90_000;
/** `FUZZ_SEED=… npm run http -- fuzz` repeats a run. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

test(`survives ${INPUTS} hostile requests and frames and leaves none open`, {
  timeout: process.env.TEST_LONG ? 1_800_000 : 600_000,
}, async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const random = randomFrom(SEED);
  const sandkeeper = await Sandkeeper.open({
    env: {
      SANDKEEPER_HEADER_TIMEOUT_MS: String(DEADLINE_MS),
      SANDKEEPER_BODY_TIMEOUT_MS: String(DEADLINE_MS),
    },
  });
  try {
    const { pid, port } = sandkeeper;
    const host = `localhost:${port}`;
    const { admin, viewer } = await sandkeeper.openSessions();
    const name = sandkeeper.sessionCookieName;
    const cookies = [
      `${name}=${admin}`,
      `${name}=${viewer}`,
      `${name}=%E0%A4%A`,
      `${name}=x.y`,
      `${name}=${'a'.repeat(9_000)}`,
      `${name}="`,
    ];
    const left: string[] = [];

    /** Sends bytes. Fails for a connection that is neither answered nor closed in time. */
    const sendBytes = (bytes: Buffer, then: (write: (more: Buffer) => void) => void = () => {}) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        const timer = setTimeout(() => {
          left.push(bytes.toString('latin1').slice(0, 300));
          socket.destroy();
        }, DEADLINE_MS + SLACK_MS);
        socket.on('error', () => {});
        socket.on('connect', () => socket.write(bytes));
        socket.once('data', () => {
          then((more) => socket.write(more));
          setTimeout(() => socket.destroy(), 20);
        });
        socket.on('close', () => {
          clearTimeout(timer);
          resolve();
        });
      });

    const talk = async () => {
      const live = await openLive(sandkeeper, { origin: sandkeeper.url, cookie: `${name}=${admin}` });
      // Its head came too late, or too many sockets are open.
      if ([408, 429, 503].includes(live.status)) return;
      expect(live.status).toBe(101);
      for (let frame = 0; frame < FRAMES_EACH; frame += 1) live.sendRaw(frameOf(random));
      await new Promise((resolve) => setTimeout(resolve, 30));
      live.close();
      await live.closed;
    };
    const breakFrames = () => {
      const upgrade = [
        `GET /live HTTP/1.1`,
        `host: ${host}`,
        `origin: http://${host}`,
        `cookie: ${name}=${admin}`,
        'connection: upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      ];
      return sendBytes(Buffer.from(`${upgrade.join('\r\n')}\r\n\r\n`), (write) => write(brokenFrame(random)));
    };

    let sent = 0;
    const work = async () => {
      while (sent < INPUTS) {
        const turn = random.below(25);
        sent += turn === 0 ? FRAMES_EACH : 1;
        if (turn === 0) await talk();
        else if (turn < 3) await breakFrames();
        else await sendBytes(requestOf(random, host, cookies));
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    console.log(`${sent} inputs in ${Math.round(performance.now() - startedMs)} ms`);

    expect(left).toEqual([]);
    expect(sandkeeper.pid).toBe(pid);
    expect((await ask(sandkeeper, '/api/health')).status).toBe(200);
    expect(sandkeeper.log()).not.toMatch(
      /An unexpected error|A request failed|on a live socket failed|TypeError|RangeError/,
    );
  } finally {
    await sandkeeper.close();
  }
});
