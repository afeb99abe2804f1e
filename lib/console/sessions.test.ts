import { describe, expect, it } from 'vitest';
import { apiOf } from '../sandbox-api/configured';
import { idOf } from '../sandbox-key';
import { eventually, setUpEngine } from '../test-support/environment';
import { ModeTracker } from './modes';
import { packInput } from './protocol';
import { ANA, consolesIn, LI, openServer, openTab } from './test-sessions';

const engine = setUpEngine({ withFiles: true });
const openIn = consolesIn(engine);

describe('a console', () => {
  it('carries input to the shell and its output back', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    const seq = tab.type('echo $((40+2))-is-it\r');
    await eventually(() => tab.text().includes('42-is-it'));
    await eventually(() => tab.last('typed')?.seq === seq);
    expect(tab.state()).toMatchObject({
      owner: 'ana',
      isMine: true,
      driver: 'ana',
      shell: 'bash',
      number: 1,
    });
    tab.type('exit 7\r');
    await eventually(() => tab.state()?.state === 'ended');
    expect(tab.state()?.ending).toEqual({ how: 'exited', exitCode: 7 });
    expect(server.audited).toEqual([
      'ana console-opened: a shell',
      'ana console-closed: the shell exited with 7',
    ]);
  });

  it('passes bytes through unchanged', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    tab.type("printf 'A\\xff\\xfe\\xf0\\x9f\\x98\\x80\\x80B\\n'\r");
    const bytes = Buffer.from([0x41, 0xff, 0xfe, 0xf0, 0x9f, 0x98, 0x80, 0x80, 0x42]);
    await eventually(() => tab.raw().includes(bytes));
    expect(tab.raw().includes(bytes)).toBe(true);
  });

  it('sends a returning tab exactly the output that it missed', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const first = await openTab(server, id);
    first.type('for i in $(seq 1 400); do echo n$i; sleep 0.002; done; echo do""ne\r');
    await eventually(() => first.text().includes('n57\r\n'));
    first.leave();
    const [had, from] = [first.text(), first.end()];
    const second = await openTab(server, id, ANA, { offset: from });
    await eventually(() => (had + second.text()).includes('done\r\n'));
    expect(second.last('attached')).toMatchObject({ from, missing: 0 });
    const numbers = [...(had + second.text()).matchAll(/^n(\d+)\r$/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
  });

  it('does not wait for a stalled tab, and reports the gap to it', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const quick = await openTab(server, id);
    const stuck = await openTab(server, id, ANA, { acks: false, client: 'tab-that-is-stuck' });
    quick.type('head -c 6000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo do""ne\r');
    await eventually(() => quick.raw().includes('done\r\n'), 60_000);
    // It received one window and nothing more.
    expect(stuck.end()).toBe(512 * 1024);
    stuck.onMessage({ kind: 'ack', offset: stuck.end() });
    expect(stuck.last('gap')?.missing).toBeGreaterThan(3_000_000);
  }, 90_000);

  it('pauses the shell while its only tab does not draw, and reads on without tabs', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const tab = await openTab(server, id, ANA, { acks: false });
    tab.type('head -c 6000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo do""ne\r');
    await eventually(() => tab.end() >= 512 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(tab.last('gap')).toBeUndefined();
    tab.leave();
    await eventually(async () => {
      const later = await openTab(server, id, ANA, { client: 'tab-that-comes-later' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      later.leave();
      return later.text().includes('done\r\n');
    }, 60_000);
  }, 90_000);

  it('continues with the same shell after a pause', async () => {
    const server = openServer();
    const { id, sandboxKey } = await openIn(server);
    const tab = await openTab(server, id);
    tab.type('kept=$((20+3))\r');
    await eventually(() => tab.text().split('$ ').length > 2);
    await engine.call('POST', `/sandboxes/${idOf(sandboxKey)}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    const seq = tab.type('nothing');
    // Sent before the tab knew of the refusal, and received after the resume.
    const behind = packInput({ seq: seq + 1, after: 0, bytes: Buffer.from('echo be$((4+3))hind\r') });
    await eventually(() => tab.last('refused')?.seq === seq);
    tab.onMessage({ kind: 'reconnect' });
    await engine.call('POST', `/sandboxes/${idOf(sandboxKey)}/resume`, { timeout: 300 });
    tab.onMessage({ kind: 'reconnect' });
    await eventually(() => tab.state()?.state === 'open');
    tab.onBytes(behind);
    await eventually(() => tab.last('refused')?.seq === seq + 1);
    tab.skip();
    tab.type('echo is-$kept\r');
    await eventually(() => tab.text().includes('is-23'));
    expect(tab.text()).not.toContain('be7hind');
  });

  it('kills the shell of a console that ended during a pause when another is opened', async () => {
    const server = openServer();
    const { id, sandboxKey } = await openIn(server);
    const tab = await openTab(server, id);
    const { id: other } = await openIn(server, sandboxKey);
    await engine.call('POST', `/sandboxes/${idOf(sandboxKey)}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    await server.consoles.close(ANA, id);
    await engine.call('POST', `/sandboxes/${idOf(sandboxKey)}/resume`, { timeout: 300 });
    const consoleIds = async () => {
      const processes = await (await apiOf(sandboxKey).openEnvd(sandboxKey)).listProcesses(
        AbortSignal.timeout(120_000),
      );
      return processes.map(({ tag }) => tag?.split(' ')[2]);
    };
    expect((await consoleIds()).sort()).toEqual([id, other].sort());
    await server.consoles.close(ANA, other);
    const { id: last } = await openIn(server, sandboxKey);
    await eventually(async () => (await consoleIds()).join() === last);
  });

  it('ends with its sandbox', async () => {
    const server = openServer();
    const { id, sandboxKey } = await openIn(server);
    const tab = await openTab(server, id);
    await engine.call('DELETE', `/sandboxes/${idOf(sandboxKey)}`);
    await eventually(() => tab.state()?.state === 'ended');
    expect(tab.state()?.ending?.how).toBe('gone');
  });

  it('names the program in the foreground', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    await eventually(() => tab.text().endsWith('$ '));
    expect(await server.consoles.findRunning(ANA, id)).toBeNull();
    tab.type('sleep 100\r');
    await eventually(async () => (await server.consoles.findRunning(ANA, id)) === 'sleep');
    await server.consoles.close(ANA, id);
    expect(server.audited.at(-1)).toBe('ana console-closed: closed');
  });
});

describe('modes of a program', () => {
  const MOUSE = "printf '\\e[?1049h\\e[?1003h\\e[?1006h'; sleep 1000\r";
  const modesIn = (text: Buffer) => {
    const tracker = new ModeTracker();
    tracker.feed(text);
    return tracker.hasProgramModes;
  };

  it('stay while it runs, and are dropped for every later tab when a signal kills it', async () => {
    const server = openServer();
    const { id, sandboxKey } = await openIn(server);
    const tab = await openTab(server, id);
    await eventually(() => tab.text().endsWith('$ '));
    tab.type(MOUSE);
    await eventually(async () => (await server.consoles.findRunning(ANA, id)) === 'sleep');
    // Reports of the mouse make it check, and it finds the program.
    tab.type('\x1b[<35;10;10M');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(modesIn(tab.raw())).toBe(true);
    expect(tab.last('restored')).toBeUndefined();
    const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
    for await (const _ of envd.run(
      { cmd: 'pkill', args: ['-9', 'sleep'] },
      5_000,
      AbortSignal.timeout(5_000),
    ));
    await eventually(() => tab.last('restored') !== undefined);
    const later = await openTab(server, id, ANA, { client: 'tab-that-comes-later' });
    await eventually(() => later.end() === tab.end());
    expect([modesIn(tab.raw()), modesIn(later.raw())]).toEqual([false, false]);
    expect(later.raw().includes('\x1b[?1003h')).toBe(true);
  });

  it('are reset by the tab that types alone, and when the shell ends', async () => {
    const server = openServer();
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    const watching = await openTab(server, id, LI);
    await eventually(() => tab.text().endsWith('$ '));
    tab.type(MOUSE);
    await eventually(() => modesIn(tab.raw()));
    watching.onMessage({ kind: 'reset' });
    expect(modesIn(tab.raw())).toBe(true);
    tab.onMessage({ kind: 'reset' });
    expect([modesIn(tab.raw()), modesIn(watching.raw())]).toEqual([false, false]);
    tab.type("\x03printf '\\e[?1002h'; exec sleep 0.2\r");
    await eventually(() => tab.state()?.state === 'ended');
    expect(tab.raw().includes('\x1b[?1002h')).toBe(true);
    expect(modesIn(tab.raw())).toBe(false);
  });
});
