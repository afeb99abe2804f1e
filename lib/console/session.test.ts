import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SandkeeperError } from '../errors';
import type { EnvdTerminals } from '../sandbox-api/envd-terminals';
import { eventually, thrownBy } from '../test-support/environment';
import type { ConsoleEvent } from './protocol';
import type { ConsoleRequest } from './schema';
import { ConsoleSession } from './session';
import type { ConsoleEnvd } from './shell-connection';

afterEach(() => void vi.useRealTimers());

const SIZE = { cols: 80, rows: 24 };
const REQUEST: ConsoleRequest = { sandboxKey: 'local/sandbox', user: null, cwd: null, size: SIZE };
const ANA = { userId: 'user-ana', actor: 'ana', sessionId: 'session-ana' };

/** A session whose sandbox is controlled by the test. */
function sessionWith(
  openTerminal: (signal: AbortSignal) => ReturnType<EnvdTerminals['openTerminal']>,
  openAgain: () => Promise<never>,
) {
  const killed: number[] = [];
  const envd: ConsoleEnvd = {
    openTerminal: (_request, signal) => openTerminal(signal),
    followProcess: () => openTerminal(new AbortController().signal),
    typeInto: async () => {},
    resizeTerminal: async () => {},
    listProcesses: async () => [],
    run: async function* () {},
    stat: () => Promise.reject(new Error('Nothing is known of its files.')),
    signalProcess: async (pid) => {
      killed.push(pid);
      return true;
    },
  };
  let opened = 0;
  const session = new ConsoleSession('console', 1, REQUEST, ANA, 'tag', {
    openEnvd: () => {
      opened += 1;
      return opened === 1 ? Promise.resolve(envd) : openAgain();
    },
    now: Date.now,
    idleMs: 3_600_000,
    maxMs: 3_600_000,
    onChange: () => {},
    onEnd: () => {},
  });
  onTestFinished(() => session.end('closed'));
  return { session, killed, attempts: () => opened };
}

describe('ConsoleSession', () => {
  it('kills a shell that starts after the deadline', async () => {
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
      () => Promise.reject(new Error('Unexpected call.')),
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

  it('does not give up because of many requested retries', async () => {
    const unreachable = () => Promise.reject(new SandkeeperError('unavailable', 'Not now.'));
    const { session, attempts } = sessionWith(async function* () {
      yield { kind: 'start', pid: 7 };
    }, unreachable);
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
      const before = attempts();
      await eventually(() => {
        tab.onMessage({ kind: 'reconnect' });
        return attempts() > before || session.isOver;
      });
    }
    expect(state()).toBe('unreachable');
  });
});
