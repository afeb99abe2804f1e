import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SandkeeperError } from '../errors';
import type { TerminalEvent } from '../sandbox-api/guest-terminals';
import { eventually, thrownBy } from '../test-support/environment';
import type { ConsoleEvent } from './protocol';
import { type ConsoleGuest, ConsoleSession } from './session';

afterEach(() => void vi.useRealTimers());

const SIZE = { cols: 80, rows: 24 };
const WISH = { sandboxId: 'sandbox', user: null, cwd: null, size: SIZE };
const ANA = { actor: 'ana', sessionId: 'session-ana' };

/** A session whose sandbox does as it is told here; everything that it is not told does nothing. */
function sessionWith(
  openTerminal: (signal: AbortSignal) => AsyncGenerator<TerminalEvent, void, undefined>,
  openAgain: () => Promise<never>,
) {
  const killed: number[] = [];
  const guest: ConsoleGuest = {
    openTerminal: (_wish, signal) => openTerminal(signal),
    followTerminal: () => openTerminal(new AbortController().signal),
    typeInto: async () => {},
    resizeTerminal: async () => {},
    listTagged: async () => [],
    run: async function* () {},
    signalProcess: async (pid) => {
      killed.push(pid);
      return true;
    },
  };
  let opened = 0;
  const session = new ConsoleSession('console', 1, WISH, ANA, 'tag', {
    openGuest: () => {
      opened += 1;
      return opened === 1 ? Promise.resolve(guest) : openAgain();
    },
    now: Date.now,
    idleMs: 3_600_000,
    mostMs: 3_600_000,
    onChange: () => {},
    onEnd: () => {},
  });
  onTestFinished(() => session.end('closed'));
  return { session, killed, asked: () => opened };
}

describe('a shell', () => {
  it('that starts when nobody waits for it any more is ended', async () => {
    vi.useFakeTimers();
    let startLate = () => {};
    let signal: AbortSignal | null = null;
    const { session, killed } = sessionWith(
      async function* (given) {
        signal = given;
        await new Promise<void>((resolve) => {
          startLate = resolve;
        });
        yield { kind: 'start', pid: 7 };
      },
      () => Promise.reject(new Error('Not asked for.')),
    );
    const failure = thrownBy(() => session.start());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await failure).toMatchObject({ code: 'timeout' });
    expect(killed).toEqual([]);
    startLate();
    await vi.advanceTimersByTimeAsync(0);
    expect(killed).toEqual([7]);
    expect(signal).toMatchObject({ aborted: true });
  });

  it('that cannot be reached is not given up because somebody asks for it often', async () => {
    const away = () => Promise.reject(new SandkeeperError('unavailable', 'Not now.'));
    const { session, asked } = sessionWith(async function* () {
      yield { kind: 'start', pid: 7 };
    }, away);
    await session.start();
    const events: ConsoleEvent[] = [];
    const tab = session.attach(
      { ...ANA, client: 'tab-of-ana' },
      { send: (event) => events.push(event), sendBytes: () => {}, recheck: async () => true },
      { client: 'tab-of-ana', offset: 0, size: SIZE },
    );
    const state = () => session.info('ana').state;
    await eventually(() => state() === 'unreachable');
    for (let time = 0; time < 20; time += 1) {
      const before = asked();
      await eventually(() => {
        tab.onMessage({ kind: 'reconnect' });
        return asked() > before || session.isOver;
      });
    }
    expect(state()).toBe('unreachable');
  });
});
