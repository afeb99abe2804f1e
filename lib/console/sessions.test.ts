import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConsoleRules } from '../config';
import type { Subscriber } from '../live/hub';
import { sandboxApi } from '../sandbox-api/configured';
import { eventually, setUpEngine, thrownBy } from '../test-support/environment';
import { ModeTracker } from './modes';
import { type ConsoleEvent, packInput, unpackOutput } from './protocol';
import type { ConsoleRequest, ConsolesEvent } from './schema';
import { ConsoleSessions } from './sessions';

const engine = setUpEngine({ withFiles: true });

const RULES: ConsoleRules = {
  perSandbox: 2,
  perPerson: 3,
  total: 4,
  idleMs: 30 * 60_000,
  maxMs: 12 * 3_600_000,
};
const ANA = { id: 'session-ana', actor: 'ana' };
const LI = { id: 'session-li', actor: 'li' };

type Role = 'viewer' | 'operator' | 'admin';

/** Consoles with their own sessions, clock and audit log. */
function openServer(rules: Partial<ConsoleRules> = {}) {
  const audited: string[] = [];
  const roles = new Map<string, Role>([
    [ANA.id, 'operator'],
    [LI.id, 'operator'],
  ]);
  const clock = { nowMs: Date.now() };
  const consoles = new ConsoleSessions({
    rules: { ...RULES, ...rules },
    openEnvd: sandboxApi().openEnvd,
    recordAccess: async (person, { kind, detail }) =>
      void audited.push(`${person?.actor ?? '–'} ${kind}: ${detail}`),
    findSession: async (id) => {
      const role = roles.get(id);
      return role === undefined ? null : { role };
    },
    now: () => clock.nowMs,
  });
  onTestFinished(() => consoles.closeAll());
  return { consoles, audited, roles, clock };
}

type Server = ReturnType<typeof openServer>;

const requestFor = (sandboxId: string): ConsoleRequest => ({
  sandboxId,
  user: null,
  cwd: null,
  size: { cols: 80, rows: 24 },
});

/** A tab that shows a console and draws its output at once. */
async function openTab(
  { consoles }: Server,
  id: string,
  person = ANA,
  { offset = 0, acks = true, client = `tab-of-${person.actor}` } = {},
) {
  const events: ConsoleEvent[] = [];
  const pieces: Uint8Array[] = [];
  let end = offset;
  let seq = 0;
  const subscriber: Subscriber = {
    key: id,
    session: { sessionId: person.id, actor: person.actor, isAtLeast: () => true },
    joinPayload: { client, offset, size: { cols: 80, rows: 24 } },
    sendBytes: (frame) => {
      const output = unpackOutput(frame);
      if (output === null) throw new Error('Not output.');
      const gapEnd = last('gap')?.from;
      if (output.offset !== end && output.offset !== gapEnd && pieces.length > 0)
        throw new Error('Output is missing or doubled.');
      pieces.push(Buffer.from(output.bytes));
      end = output.offset + output.bytes.length;
      if (acks) setImmediate(() => subscription.onMessage({ kind: 'ack', offset: end }));
    },
    recheck: async () => true,
  };
  const subscription = consoles.subscribe((payload) => events.push(payload as ConsoleEvent), subscriber);
  const last = <K extends ConsoleEvent['kind']>(kind: K) =>
    events.findLast((event): event is Extract<ConsoleEvent, { kind: K }> => event.kind === kind);
  const tab = {
    ...subscription,
    events,
    last,
    raw: () => Buffer.concat(pieces),
    text: () => Buffer.concat(pieces).toString('utf8'),
    end: () => end,
    type(text: string) {
      seq += 1;
      const counts = events.flatMap((event) => ('refusals' in event ? [event.refusals] : []));
      const after = counts.at(-1) ?? 0;
      subscription.onBytes(packInput({ seq, after, bytes: Buffer.from(text) }));
      return seq;
    },
    /** Uses up a number without sending input. */
    skip: () => {
      seq += 1;
    },
    state: () => last('state')?.info,
  };
  await eventually(() => tab.state()?.state === 'open');
  return tab;
}

async function openIn(server: Server, sandboxId?: string, person = ANA) {
  const sandbox = sandboxId ?? (await engine.create());
  const id = await server.consoles.open(person, requestFor(sandbox));
  return { id, sandbox };
}

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
    const { id, sandbox } = await openIn(server);
    const tab = await openTab(server, id);
    tab.type('kept=$((20+3))\r');
    await eventually(() => tab.text().split('$ ').length > 2);
    await engine.call('POST', `/sandboxes/${sandbox}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    const seq = tab.type('nothing');
    // Sent before the tab knew of the refusal, and received after the resume.
    const behind = packInput({ seq: seq + 1, after: 0, bytes: Buffer.from('echo be$((4+3))hind\r') });
    await eventually(() => tab.last('refused')?.seq === seq);
    tab.onMessage({ kind: 'reconnect' });
    await engine.call('POST', `/sandboxes/${sandbox}/resume`, { timeout: 300 });
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
    const { id, sandbox } = await openIn(server);
    const tab = await openTab(server, id);
    const { id: other } = await openIn(server, sandbox);
    await engine.call('POST', `/sandboxes/${sandbox}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    await server.consoles.close(ANA, id);
    await engine.call('POST', `/sandboxes/${sandbox}/resume`, { timeout: 300 });
    const consoleIds = async () => {
      const processes = await (await sandboxApi().openEnvd(sandbox)).listProcesses(
        AbortSignal.timeout(20_000),
      );
      return processes.map(({ tag }) => tag?.split(' ')[2]);
    };
    expect((await consoleIds()).sort()).toEqual([id, other].sort());
    await server.consoles.close(ANA, other);
    const { id: last } = await openIn(server, sandbox);
    await eventually(async () => (await consoleIds()).join() === last);
  });

  it('ends with its sandbox', async () => {
    const server = openServer();
    const { id, sandbox } = await openIn(server);
    const tab = await openTab(server, id);
    await engine.call('DELETE', `/sandboxes/${sandbox}`);
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
    const { id, sandbox } = await openIn(server);
    const tab = await openTab(server, id);
    await eventually(() => tab.text().endsWith('$ '));
    tab.type(MOUSE);
    await eventually(async () => (await server.consoles.findRunning(ANA, id)) === 'sleep');
    // Reports of the mouse make it check, and it finds the program.
    tab.type('\x1b[<35;10;10M');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(modesIn(tab.raw())).toBe(true);
    expect(tab.last('restored')).toBeUndefined();
    const envd = await sandboxApi().openEnvd(sandbox);
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

describe('several people', () => {
  it('watch, take over, and are recorded', async () => {
    const server = openServer();
    const { id, sandbox } = await openIn(server);
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
    expect(sandbox).toBe(ana.state()?.sandboxId);
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

  it('cannot subscribe as a viewer', () => {
    const server = openServer();
    const events: unknown[] = [];
    const session = { sessionId: 's', actor: 'vi', isAtLeast: () => false };
    const subscriber: Subscriber = {
      key: 'i1',
      session,
      joinPayload: { client: 'tab-of-vi', offset: 0, size: null },
      sendBytes: () => {},
      recheck: async () => true,
    };
    server.consoles.subscribeToList((event) => events.push(event), subscriber)();
    server.consoles.subscribe((event) => events.push(event), subscriber).leave();
    expect(events).toEqual([{ kind: 'forbidden', needs: 'operator' }, { kind: 'forbidden' }]);
  });
});

describe('limits', () => {
  it('apply per sandbox, per person and per server', async () => {
    const server = openServer();
    const [one, two, three] = [await engine.create(), await engine.create(), await engine.create()];
    const refused = async (sandbox: string, person = ANA) =>
      expect(await thrownBy(() => openIn(server, sandbox, person))).toMatchObject({
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
    expect(await thrownBy(() => openIn(server, paused))).toMatchObject({ code: 'conflict' });
    expect((await engine.detail(paused)).state).toBe('paused');
    const running = await engine.create();
    const { endAt } = await engine.detail(running);
    await openIn(server, running);
    expect((await engine.detail(running)).endAt).toBe(endAt);
    expect(await thrownBy(() => openIn(server, 'inobody'))).toMatchObject({ code: 'not_found' });
    expect(server.consoles.size).toBe(1);
  });

  it('names an invalid user or folder', async () => {
    const server = openServer();
    const request = requestFor(await engine.create());
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
    const sandbox = await engine.create();
    const events: ConsolesEvent[] = [];
    const session = { sessionId: LI.id, actor: 'li', isAtLeast: () => true };
    const subscriber: Subscriber = {
      key: sandbox,
      session,
      joinPayload: undefined,
      sendBytes: () => {},
      recheck: async () => true,
    };
    const leave = server.consoles.subscribeToList((event) => events.push(event), subscriber);
    onTestFinished(leave);
    expect(events).toMatchObject([{ kind: 'list', consoles: [] }]);
    const { id } = await openIn(server, sandbox);
    server.consoles.rename(ANA, id, 'the run');
    await eventually(() => JSON.stringify(events.at(-1)).includes('the run'));
    expect(events.at(-1)).toMatchObject({ consoles: [{ id, owner: 'ana', isMine: false, name: 'the run' }] });
    await server.consoles.close(ANA, id);
    await eventually(() => JSON.stringify(events.at(-1)).includes('"consoles":[]'));
  });
});
