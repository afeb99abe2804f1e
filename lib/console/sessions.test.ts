import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConsoleRules } from '../config';
import type { ChannelCaller } from '../live/hub';
import { openEnvd } from '../sandbox-api/envd';
import { eventually, setUpEngine, thrownBy } from '../test-support/environment';
import { type ConsoleEvent, packInput, unpackOutput } from './protocol';
import type { ConsoleRequest, ConsolesEvent } from './schema';
import { ConsoleSessions } from './sessions';

const engine = setUpEngine({ withFiles: true });

const RULES: ConsoleRules = {
  perSandbox: 2,
  perPerson: 3,
  total: 4,
  idleMs: 30 * 60_000,
  mostMs: 12 * 3_600_000,
};
const ANA = { id: 'session-ana', actor: 'ana' };
const LI = { id: 'session-li', actor: 'li' };

type Role = 'viewer' | 'operator' | 'admin';

/** The consoles of a server of its own, with who is signed in and what was written down. */
function house(rules: Partial<ConsoleRules> = {}) {
  const notes: string[] = [];
  const roles = new Map<string, Role>([
    [ANA.id, 'operator'],
    [LI.id, 'operator'],
  ]);
  const clock = { nowMs: Date.now() };
  const consoles = new ConsoleSessions({
    rules: { ...RULES, ...rules },
    openGuest: openEnvd,
    note: async (who, { kind, detail }) => void notes.push(`${who?.actor ?? '–'} ${kind}: ${detail}`),
    findSession: async (id) => {
      const role = roles.get(id);
      return role === undefined ? null : { role };
    },
    now: () => clock.nowMs,
  });
  onTestFinished(() => consoles.closeAll());
  return { consoles, notes, roles, clock };
}

type Sandkeeper = ReturnType<typeof house>;

const inputFor = (sandboxId: string): ConsoleRequest => ({
  sandboxId,
  user: null,
  cwd: null,
  size: { cols: 80, rows: 24 },
});

/** A tab that looks at a console over a channel, and draws what it gets at once. */
async function look(
  { consoles }: Sandkeeper,
  id: string,
  who = ANA,
  { offset = 0, acks = true, client = `tab-of-${who.actor}` } = {},
) {
  const events: ConsoleEvent[] = [];
  const pieces: Uint8Array[] = [];
  let end = offset;
  let seq = 0;
  const caller: ChannelCaller = {
    key: id,
    listener: { sessionId: who.id, actor: who.actor, isAtLeast: () => true },
    opening: { client, offset, size: { cols: 80, rows: 24 } },
    sendBytes: (frame) => {
      const output = unpackOutput(frame);
      if (output === null) throw new Error('Not output.');
      const gapEnd = last('gap')?.from;
      if (output.offset !== end && output.offset !== gapEnd && pieces.length > 0)
        throw new Error('Output is missing or doubled.');
      pieces.push(Buffer.from(output.bytes));
      end = output.offset + output.bytes.length;
      if (acks) setImmediate(() => conversation.onMessage({ kind: 'ack', offset: end }));
    },
    recheck: async () => true,
  };
  const conversation = consoles.attend((payload) => events.push(payload as ConsoleEvent), caller);
  const last = <K extends ConsoleEvent['kind']>(kind: K) =>
    events.findLast((event): event is Extract<ConsoleEvent, { kind: K }> => event.kind === kind);
  const tab = {
    ...conversation,
    events,
    last,
    raw: () => Buffer.concat(pieces),
    text: () => Buffer.concat(pieces).toString('utf8'),
    end: () => end,
    type(text: string) {
      seq += 1;
      const counts = events.flatMap((event) => ('refusals' in event ? [event.refusals] : []));
      const after = counts.at(-1) ?? 0;
      conversation.onBytes(packInput({ seq, after, bytes: Buffer.from(text) }));
      return seq;
    },
    /** A number that was used elsewhere. */
    skip: () => {
      seq += 1;
    },
    state: () => last('state')?.info,
  };
  await eventually(() => tab.state()?.state === 'open');
  return tab;
}

async function openIn(at: Sandkeeper, sandboxId?: string, who = ANA) {
  const sandbox = sandboxId ?? (await engine.create());
  const id = await at.consoles.open(who, inputFor(sandbox));
  return { id, sandbox };
}

describe('a console', () => {
  it('carries what is typed into a shell and what that writes back', async () => {
    const at = house();
    const { id } = await openIn(at);
    const tab = await look(at, id);
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
    expect(at.notes).toEqual(['ana console-opened: a shell', 'ana console-closed: the shell exited with 7']);
  });

  it('keeps bytes as they are', async () => {
    const at = house();
    const { id } = await openIn(at);
    const tab = await look(at, id);
    tab.type("printf 'A\\xff\\xfe\\xf0\\x9f\\x98\\x80\\x80B\\n'\r");
    const bytes = Buffer.from([0x41, 0xff, 0xfe, 0xf0, 0x9f, 0x98, 0x80, 0x80, 0x42]);
    await eventually(() => tab.raw().includes(bytes));
    expect(tab.raw().includes(bytes)).toBe(true);
  });

  it('hands a tab that comes back exactly what it missed', async () => {
    const at = house();
    const { id } = await openIn(at);
    const first = await look(at, id);
    first.type('for i in $(seq 1 400); do echo n$i; sleep 0.002; done; echo do""ne\r');
    await eventually(() => first.text().includes('n57\r\n'));
    first.leave();
    const [had, from] = [first.text(), first.end()];
    const second = await look(at, id, ANA, { offset: from });
    await eventually(() => (had + second.text()).includes('done\r\n'));
    expect(second.last('attached')).toMatchObject({ from, missing: 0 });
    const numbers = [...(had + second.text()).matchAll(/^n(\d+)\r$/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
  });

  it('is not held back by a tab that stopped drawing, which is told what it missed', async () => {
    const at = house();
    const { id } = await openIn(at);
    const quick = await look(at, id);
    const stuck = await look(at, id, ANA, { acks: false, client: 'tab-that-is-stuck' });
    quick.type('head -c 6000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo do""ne\r');
    await eventually(() => quick.raw().includes('done\r\n'), 60_000);
    // It was sent one window, and nothing for all that it did not draw since.
    expect(stuck.end()).toBe(512 * 1024);
    stuck.onMessage({ kind: 'ack', offset: stuck.end() });
    expect(stuck.last('gap')?.missing).toBeGreaterThan(3_000_000);
  }, 90_000);

  it('holds its source back while the only tab does not draw, and drains it when nobody looks', async () => {
    const at = house();
    const { id } = await openIn(at);
    const tab = await look(at, id, ANA, { acks: false });
    tab.type('head -c 6000000 /dev/zero | tr "\\0" x | fold -w 99; echo; echo do""ne\r');
    await eventually(() => tab.end() >= 512 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(tab.last('gap')).toBeUndefined();
    tab.leave();
    await eventually(async () => {
      const later = await look(at, id, ANA, { client: 'tab-that-looks-later' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      later.leave();
      return later.text().includes('done\r\n');
    }, 60_000);
  }, 90_000);

  it('goes on after a pause with the shell that it had', async () => {
    const at = house();
    const { id, sandbox } = await openIn(at);
    const tab = await look(at, id);
    tab.type('kept=$((20+3))\r');
    await eventually(() => tab.text().split('$ ').length > 2);
    await engine.call('POST', `/sandboxes/${sandbox}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    const seq = tab.type('nothing');
    // On its way before the refusal was heard of, and it comes when the shell is back.
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

  it('that ends while its sandbox is paused leaves no shell behind once another is opened there', async () => {
    const at = house();
    const { id, sandbox } = await openIn(at);
    const tab = await look(at, id);
    const { id: other } = await openIn(at, sandbox);
    await engine.call('POST', `/sandboxes/${sandbox}/pause`);
    await eventually(() => tab.state()?.state === 'paused');
    await at.consoles.close(ANA, id);
    await engine.call('POST', `/sandboxes/${sandbox}/resume`, { timeout: 300 });
    const tagsThere = async () => {
      const tagged = await (await openEnvd(sandbox)).listTagged(AbortSignal.timeout(20_000));
      return tagged.map(({ tag }) => tag.split(' ')[2]);
    };
    expect((await tagsThere()).sort()).toEqual([id, other].sort());
    await at.consoles.close(ANA, other);
    const { id: last } = await openIn(at, sandbox);
    await eventually(async () => (await tagsThere()).join() === last);
  });

  it('ends with its sandbox', async () => {
    const at = house();
    const { id, sandbox } = await openIn(at);
    const tab = await look(at, id);
    await engine.call('DELETE', `/sandboxes/${sandbox}`);
    await eventually(() => tab.state()?.state === 'ended');
    expect(tab.state()?.ending?.how).toBe('gone');
  });

  it('tells what runs in it', async () => {
    const at = house();
    const { id } = await openIn(at);
    const tab = await look(at, id);
    await eventually(() => tab.text().endsWith('$ '));
    expect(await at.consoles.findRunning(ANA, id)).toBeNull();
    tab.type('sleep 100\r');
    await eventually(async () => (await at.consoles.findRunning(ANA, id)) === 'sleep');
    await at.consoles.close(ANA, id);
    expect(at.notes.at(-1)).toBe('ana console-closed: closed');
  });
});

describe('several people', () => {
  it('watch, and type only after taking over, which is written down', async () => {
    const at = house();
    const { id, sandbox } = await openIn(at);
    const ana = await look(at, id);
    await eventually(() => ana.state()?.driver === 'ana');
    const li = await look(at, id, LI);
    await eventually(() => ana.state()?.watchers.includes('li') ?? false);
    const seq = li.type('echo intruder\r');
    await eventually(() => li.last('refused')?.seq === seq);
    expect(li.last('refused')?.why).toBe('watching');
    expect(await thrownBy(() => at.consoles.close(LI, id))).toMatchObject({ code: 'forbidden' });
    li.onMessage({ kind: 'take-over', size: { cols: 100, rows: 30 } });
    await eventually(() => ana.state()?.driver === 'li');
    li.type('stty size\r');
    await eventually(() => ana.text().includes('30 100'));
    expect(ana.text()).not.toContain('intruder');
    ana.type('x');
    await eventually(() => ana.last('refused')?.why === 'watching');
    // Who comes again over a new connection has been written down.
    li.leave();
    await look(at, id, LI);
    await eventually(() => ana.state()?.driver === 'li');
    expect(at.notes).toEqual([
      'ana console-opened: a shell',
      'li console-watched: of ana',
      'li console-taken-over: from ana',
    ]);
    expect(sandbox).toBe(ana.state()?.sandboxId);
  });

  it('lose it with their session or their role', async () => {
    for (const change of ['signs out', 'loses the role'] as const) {
      const at = house();
      const { id } = await openIn(at);
      const tab = await look(at, id);
      await at.consoles.recheckOwners();
      expect(at.consoles.size).toBe(1);
      if (change === 'signs out') at.roles.delete(ANA.id);
      else at.roles.set(ANA.id, 'viewer');
      await at.consoles.recheckOwners();
      expect(tab.state()?.ending?.how, change).toBe('signed_out');
      expect(at.notes.at(-1)).toContain('no longer signed in');
    }
  });

  it('cannot listen as a viewer', () => {
    const at = house();
    const told: unknown[] = [];
    const listener = { sessionId: 's', actor: 'vi', isAtLeast: () => false };
    const caller: ChannelCaller = {
      key: 'i1',
      listener,
      opening: { client: 'tab-of-vi', offset: 0, size: null },
      sendBytes: () => {},
      recheck: async () => true,
    };
    at.consoles.list((event) => told.push(event), caller)();
    at.consoles.attend((event) => told.push(event), caller).leave();
    expect(told).toEqual([{ kind: 'forbidden', needs: 'operator' }, { kind: 'forbidden' }]);
  });
});

describe('bounds', () => {
  it('hold per sandbox, per person and altogether, and leave room again', async () => {
    const at = house();
    const [one, two, three] = [await engine.create(), await engine.create(), await engine.create()];
    const refused = async (sandbox: string, who = ANA) =>
      expect(await thrownBy(() => openIn(at, sandbox, who))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('Close one first'),
      });
    // At once: what is being started counts, too.
    const [first] = await Promise.all([openIn(at, one), openIn(at, one), refused(one, LI)]);
    await openIn(at, two);
    await refused(three);
    await openIn(at, three, LI);
    await refused(two, LI);
    await at.consoles.close(ANA, first.id);
    await openIn(at, two, LI);
    expect(at.consoles.size).toBe(4);
  });

  it('are said before they end an idle console, and not for one that says it is not', async () => {
    const at = house({ idleMs: 10 * 60_000 });
    const { id } = await openIn(at);
    const tab = await look(at, id);
    await eventually(() => tab.text().endsWith('$ '));
    expect(tab.state()?.endsSoon).toBeNull();
    at.clock.nowMs += 9 * 60_000;
    at.consoles.checkTimes();
    expect(tab.state()?.endsSoon).toMatchObject({ why: 'idle' });
    tab.onMessage({ kind: 'keep' });
    expect(tab.state()?.endsSoon).toBeNull();
    at.clock.nowMs += 10 * 60_000;
    at.consoles.checkTimes();
    expect(tab.state()?.ending?.how).toBe('idle');
  });

  it('end one that has been open for as long as one may be', async () => {
    const at = house({ mostMs: 60 * 60_000 });
    const { id } = await openIn(at);
    const tab = await look(at, id);
    for (const minutes of [29, 30]) {
      at.clock.nowMs += minutes * 60_000;
      tab.onMessage({ kind: 'keep' });
    }
    at.consoles.checkTimes();
    expect(tab.state()?.endsSoon?.why).toBe('too_long');
    tab.onMessage({ kind: 'keep' });
    at.clock.nowMs += 60_000;
    at.consoles.checkTimes();
    expect(tab.state()?.ending?.how).toBe('too_long');
  });
});

describe('opening', () => {
  it('neither wakes a paused sandbox nor moves a deadline', async () => {
    const at = house();
    const paused = await engine.create();
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    expect(await thrownBy(() => openIn(at, paused))).toMatchObject({ code: 'conflict' });
    expect((await engine.detail(paused)).state).toBe('paused');
    const running = await engine.create();
    const { endAt } = await engine.detail(running);
    await openIn(at, running);
    expect((await engine.detail(running)).endAt).toBe(endAt);
    expect(await thrownBy(() => openIn(at, 'inobody'))).toMatchObject({ code: 'not_found' });
    expect(at.consoles.size).toBe(1);
  });

  it('says what is wrong with a user or a folder', async () => {
    const at = house();
    const input = inputFor(await engine.create());
    expect(await thrownBy(() => at.consoles.open(ANA, { ...input, cwd: '/nowhere' }))).toMatchObject({
      code: 'invalid',
      message: 'The sandbox has no folder “/nowhere”.',
    });
    expect(await thrownBy(() => at.consoles.open(ANA, { ...input, user: 'nobody-here' }))).toMatchObject({
      code: 'invalid',
      message: 'The sandbox has no user “nobody-here”.',
    });
    expect(at.consoles.size).toBe(0);
  });

  it('is listed for everybody at the sandbox, with whose it is', async () => {
    const at = house();
    const sandbox = await engine.create();
    const told: ConsolesEvent[] = [];
    const listener = { sessionId: LI.id, actor: 'li', isAtLeast: () => true };
    const caller: ChannelCaller = {
      key: sandbox,
      listener,
      opening: undefined,
      sendBytes: () => {},
      recheck: async () => true,
    };
    const leave = at.consoles.list((event) => told.push(event), caller);
    onTestFinished(leave);
    expect(told).toMatchObject([{ kind: 'list', consoles: [] }]);
    const { id } = await openIn(at, sandbox);
    at.consoles.rename(ANA, id, 'the run');
    await eventually(() => JSON.stringify(told.at(-1)).includes('the run'));
    expect(told.at(-1)).toMatchObject({ consoles: [{ id, owner: 'ana', isMine: false, name: 'the run' }] });
    await at.consoles.close(ANA, id);
    await eventually(() => JSON.stringify(told.at(-1)).includes('"consoles":[]'));
  });
});
