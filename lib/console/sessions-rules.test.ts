import { describe, expect, it, onTestFinished } from 'vitest';
import type { Subscriber } from '../live/hub';
import type { SandboxKey } from '../sandbox-key';
import { eventually, localKey, setUpEngine, thrownBy } from '../test-support/environment';
import type { ConsolesEvent } from './schema';
import { ANA, consolesIn, LI, openServer, openTab, requestFor } from './test-sessions';

const engine = setUpEngine({ withFiles: true });
const openIn = consolesIn(engine);
const create = async () => localKey(await engine.create());

describe('several people', () => {
  it('watch, take over, and are recorded', async () => {
    const server = openServer();
    const { id, sandboxKey } = await openIn(server);
    const ana = await openTab(server, id);
    await eventually(() => ana.state()?.driver === 'ana');
    const li = await openTab(server, id, LI);
    await eventually(() => ana.state()?.watchers.includes('li') ?? false);
    const seq = li.type('echo intruder\r');
    await eventually(() => li.last('refused')?.seq === seq);
    expect(li.last('refused')?.why).toBe('watching');
    expect(await thrownBy(() => server.consoles.close(LI, id))).toMatchObject({ code: 'forbidden' });
    li.onMessage({ kind: 'take-over', size: { cols: 100, rows: 30 } });
    await eventually(() => ana.state()?.driver === 'li');
    li.type('stty size\r');
    await eventually(() => ana.text().includes('30 100'));
    expect(ana.text()).not.toContain('intruder');
    ana.type('x');
    await eventually(() => ana.last('refused')?.why === 'watching');
    // A reconnect is not recorded again.
    li.leave();
    await openTab(server, id, LI);
    await eventually(() => ana.state()?.driver === 'li');
    expect(server.audited).toEqual([
      'ana console-opened: a shell',
      'li console-watched: of ana',
      'li console-taken-over: from ana',
    ]);
    expect(sandboxKey).toBe(ana.state()?.sandboxKey);
  });

  it('lose their consoles with their session or role', async () => {
    for (const change of ['signs out', 'loses the role'] as const) {
      const server = openServer();
      const { id } = await openIn(server);
      const tab = await openTab(server, id);
      await server.consoles.recheckOwners();
      expect(server.consoles.size).toBe(1);
      if (change === 'signs out') server.roles.delete(ANA.id);
      else server.roles.set(ANA.id, 'viewer');
      await server.consoles.recheckOwners();
      expect(tab.state()?.ending?.how, change).toBe('signed_out');
      expect(server.audited.at(-1)).toContain('signed out or lost the role');
    }
  });
});

describe('limits', () => {
  it('apply per sandbox, per person and per server', async () => {
    const server = openServer();
    const [one, two, three] = [await create(), await create(), await create()];
    const refused = async (sandboxKey: SandboxKey, person = ANA) =>
      expect(await thrownBy(() => openIn(server, sandboxKey, person))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('Close one first'),
      });
    // Consoles that are starting count.
    const [first] = await Promise.all([openIn(server, one), openIn(server, one), refused(one, LI)]);
    await openIn(server, two);
    await refused(three);
    await openIn(server, three, LI);
    await refused(two, LI);
    await server.consoles.close(ANA, first.id);
    await openIn(server, two, LI);
    expect(server.consoles.size).toBe(4);
  });

  it('are announced before an idle console is ended, and reset by keep', async () => {
    const server = openServer({ idleMs: 10 * 60_000 });
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    await eventually(() => tab.text().endsWith('$ '));
    expect(tab.state()?.endsSoon).toBeNull();
    server.clock.nowMs += 9 * 60_000;
    server.consoles.checkTimes();
    expect(tab.state()?.endsSoon).toMatchObject({ why: 'idle' });
    tab.onMessage({ kind: 'keep' });
    expect(tab.state()?.endsSoon).toBeNull();
    server.clock.nowMs += 10 * 60_000;
    server.consoles.checkTimes();
    expect(tab.state()?.ending?.how).toBe('idle');
  });

  it('end a console at its longest lifetime', async () => {
    const server = openServer({ maxMs: 60 * 60_000 });
    const { id } = await openIn(server);
    const tab = await openTab(server, id);
    for (const minutes of [29, 30]) {
      server.clock.nowMs += minutes * 60_000;
      tab.onMessage({ kind: 'keep' });
    }
    server.consoles.checkTimes();
    expect(tab.state()?.endsSoon?.why).toBe('too_long');
    tab.onMessage({ kind: 'keep' });
    server.clock.nowMs += 60_000;
    server.consoles.checkTimes();
    expect(tab.state()?.ending?.how).toBe('too_long');
  });
});

describe('opening', () => {
  it('does not wake a paused sandbox or move a deadline', async () => {
    const server = openServer();
    const paused = await engine.create();
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    expect(await thrownBy(() => openIn(server, localKey(paused)))).toMatchObject({ code: 'conflict' });
    expect((await engine.detail(paused)).state).toBe('paused');
    const running = await engine.create();
    const { endAt } = await engine.detail(running);
    await openIn(server, localKey(running));
    expect((await engine.detail(running)).endAt).toBe(endAt);
    expect(await thrownBy(() => openIn(server, localKey('inobody')))).toMatchObject({ code: 'not_found' });
    expect(server.consoles.size).toBe(1);
  });

  it('names an invalid user or folder', async () => {
    const server = openServer();
    const request = requestFor(await create());
    expect(await thrownBy(() => server.consoles.open(ANA, { ...request, cwd: '/nowhere' }))).toMatchObject({
      code: 'invalid',
      message: 'The sandbox has no folder “/nowhere”.',
    });
    expect(
      await thrownBy(() => server.consoles.open(ANA, { ...request, user: 'nobody-here' })),
    ).toMatchObject({
      code: 'invalid',
      message: 'The sandbox has no user “nobody-here”.',
    });
    expect(server.consoles.size).toBe(0);
  });

  it('lists the console and its owner to everyone at the sandbox', async () => {
    const server = openServer();
    const sandboxKey = await create();
    const events: ConsolesEvent[] = [];
    const session = { sessionId: LI.id, userId: LI.userId, actor: 'li', grants: LI.grants };
    const subscriber: Subscriber = {
      key: sandboxKey,
      session,
      joinPayload: undefined,
      sendBytes: () => {},
      recheck: async () => true,
    };
    const leave = server.consoles.subscribeToList((event) => events.push(event), subscriber);
    onTestFinished(leave);
    expect(events).toMatchObject([{ kind: 'list', consoles: [] }]);
    const { id } = await openIn(server, sandboxKey);
    server.consoles.rename(ANA, id, 'the run');
    await eventually(() => JSON.stringify(events.at(-1)).includes('the run'));
    expect(events.at(-1)).toMatchObject({ consoles: [{ id, owner: 'ana', isMine: false, name: 'the run' }] });
    await server.consoles.close(ANA, id);
    await eventually(() => JSON.stringify(events.at(-1)).includes('"consoles":[]'));
  });
});
