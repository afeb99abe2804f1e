import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelListener } from '../live/socket';
import { ConsoleLink } from './link';
import {
  ACK_EVERY_BYTES,
  type ConsoleEvent,
  type ConsoleInput,
  type ConsoleJoin,
  type ConsoleMessage,
  INPUT_WINDOW_BYTES,
  packOutput,
  unpackInput,
} from './protocol';
import type { ConsoleInfo } from './schema';

const INFO: ConsoleInfo = {
  id: 'console-of-this-test',
  sandboxKey: 'local/i1',
  number: 1,
  name: null,
  shell: 'bash',
  user: null,
  state: 'open',
  ending: null,
  owner: 'ana',
  isMine: true,
  driver: 'ana',
  watchers: [],
  size: { cols: 80, rows: 24 },
  endsSoon: null,
};

type Attached = { from?: number; end?: number; typed?: number; refusals?: number; missing?: number };

/** A link whose screen and socket are controlled by the test. */
function openLink({ isNew = true } = {}) {
  const drawn: Uint8Array[] = [];
  const skipped: number[] = [];
  const messages: ConsoleMessage[] = [];
  const typed: ConsoleInput[] = [];
  const replaying: boolean[] = [];
  const pending: (() => void)[] = [];
  const clock = { nowMs: 1_000 };
  const wire = { isOpen: true };
  let listener: ChannelListener | null = null;
  const link = new ConsoleLink(
    INFO.id,
    {
      write: (bytes, done) => {
        drawn.push(bytes.slice());
        pending.push(done);
      },
      skip: (missing, _, done) => {
        skipped.push(missing);
        pending.push(done);
      },
      setReplaying: (is) => replaying.push(is),
      size: () => INFO.size,
    },
    {
      subscribe: (_, subscribed) => {
        listener = subscribed;
        return () => {};
      },
      sendMessage: (_, payload) => {
        messages.push(payload as ConsoleMessage);
        return wire.isOpen;
      },
      sendBytes: (_, frame) => {
        const input = unpackInput(frame);
        if (input === null) throw new Error('Not input.');
        if (wire.isOpen) typed.push(input);
        return wire.isOpen;
      },
      state: () => (wire.isOpen ? 'open' : 'waiting'),
      onStateChange: () => () => {},
    },
    { client: 'tab-of-ana', isNew, now: () => clock.nowMs },
  );
  const receive = (event: ConsoleEvent) => listener?.onEvent(event);
  return {
    link,
    skipped,
    messages,
    typed,
    replaying,
    clock,
    receive,
    text: () => Buffer.concat(drawn).toString(),
    bytes: () => Buffer.concat(drawn),
    output: (offset: number, bytes: Uint8Array | string) =>
      listener?.onBytes?.(packOutput(offset, typeof bytes === 'string' ? Buffer.from(bytes) : bytes)),
    draw: () => {
      for (const done of pending.splice(0)) done();
    },
    joinPayload: () => listener?.joinPayload?.() as ConsoleJoin,
    attach: ({ from = 0, end, typed: last = 0, refusals = 0, missing = 0 }: Attached = {}) => {
      wire.isOpen = true;
      receive({ kind: 'attached', from, end: end ?? from, typed: last, refusals, missing, preamble: '' });
      receive({ kind: 'state', info: INFO, drives: true, sentAtMs: 0 });
    },
    cut: () => {
      wire.isOpen = false;
      listener?.onGap();
    },
  };
}

describe('output', () => {
  it('is drawn once, however it is repeated or split', () => {
    const whole = Buffer.from(Array.from({ length: 400 }, (_, at) => at % 251));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 90 })), { maxLength: 40 }),
        (steps) => {
          const tab = openLink();
          tab.attach({ end: whole.length });
          let sent = 0;
          for (const [back, length] of steps) {
            const from = Math.max(0, sent - back);
            tab.output(from, whole.subarray(from, from + length));
            sent = Math.max(sent, Math.min(whole.length, from + length));
          }
          expect(tab.bytes().equals(whole.subarray(0, sent))).toBe(true);
          expect(tab.joinPayload().offset).toBe(sent);
        },
      ),
    );
  });

  it('is acknowledged after it is drawn', () => {
    const tab = openLink();
    tab.attach();
    const piece = new Uint8Array(ACK_EVERY_BYTES / 2);
    for (let at = 0; at < 4; at += 1) tab.output(at * piece.length, piece);
    expect(tab.messages).toEqual([]);
    tab.draw();
    expect(tab.messages).toEqual([
      { kind: 'ack', offset: ACK_EVERY_BYTES },
      { kind: 'ack', offset: 2 * ACK_EVERY_BYTES },
    ]);
  });

  it('continues after a gap, which is marked and acknowledged', () => {
    const tab = openLink();
    tab.attach();
    tab.output(0, 'abc');
    tab.receive({ kind: 'gap', from: 1_003, missing: 1_000, preamble: '' });
    tab.output(1_003, 'def');
    tab.draw();
    expect(tab.text()).toBe('abcdef');
    expect(tab.skipped).toEqual([1_000]);
    expect(tab.messages).toEqual([{ kind: 'ack', offset: 1_003 }]);
  });

  it('is marked as a replay while it is from the past', () => {
    const tab = openLink({ isNew: false });
    tab.attach({ end: 6 });
    tab.output(0, 'past');
    tab.draw();
    expect(tab.replaying).toEqual([true]);
    tab.output(4, '…!');
    tab.draw();
    expect(tab.replaying).toEqual([true, false]);
  });
});

describe('reconnecting', () => {
  it('requests the missing output and reports the time away', () => {
    const tab = openLink();
    expect(tab.joinPayload().offset).toBe(0);
    tab.attach();
    expect(tab.link.state().returned).toBeNull();
    tab.output(0, 'four');
    tab.cut();
    expect(tab.link.state().phase).toBe('waiting');
    tab.clock.nowMs += 41_000;
    expect(tab.joinPayload().offset).toBe(4);
    tab.attach({ from: 4 });
    expect(tab.link.state().returned).toEqual({ afterMs: 41_000, missingBytes: 0 });
    tab.output(4, 'more');
    expect(tab.text()).toBe('fourmore');
  });

  it('reports the missing output after a reload', () => {
    const tab = openLink({ isNew: false });
    tab.attach({ from: 700, missing: 700 });
    expect(tab.link.state().returned).toEqual({ afterMs: null, missingBytes: 700 });
    // An empty screen shows no gap.
    expect(tab.skipped).toEqual([0]);
  });

  it('reports that the server has no such console', () => {
    const tab = openLink();
    tab.receive({ kind: 'unknown' });
    tab.cut();
    expect(tab.link.state().phase).toBe('unknown');
  });
});

describe('input', () => {
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

  it('is batched per event and numbered', async () => {
    const tab = openLink();
    tab.attach();
    tab.link.type(Buffer.from('l'));
    tab.link.type(Buffer.from('s'));
    await settled();
    tab.link.type(Buffer.from('\r'));
    await settled();
    expect(tab.typed.map(({ seq, bytes }) => [seq, Buffer.from(bytes).toString()])).toEqual([
      [1, 'ls'],
      [2, '\r'],
    ]);
  });

  it('waits for the window and keeps its order', async () => {
    const tab = openLink();
    tab.attach();
    const whole = Buffer.from(Array.from({ length: 3 * INPUT_WINDOW_BYTES }, (_, at) => at % 253));
    tab.link.type(whole);
    await settled();
    const sent = () => Buffer.concat(tab.typed.map(({ bytes }) => bytes));
    expect(sent().length).toBe(INPUT_WINDOW_BYTES);
    for (let seq = 1; sent().length < whole.length; seq += 1) tab.receive({ kind: 'typed', seq });
    expect(sent().equals(whole)).toBe(true);
  });

  it('is refused and counted while it cannot be sent', async () => {
    const tab = openLink();
    tab.link.type(Buffer.from('a'));
    tab.attach();
    tab.receive({ kind: 'state', info: INFO, drives: false, sentAtMs: 0 });
    tab.link.type(Buffer.from('b'));
    tab.receive({ kind: 'state', info: { ...INFO, state: 'paused' }, drives: true, sentAtMs: 0 });
    tab.link.type(Buffer.from('c'));
    await settled();
    expect(tab.typed).toEqual([]);
    expect(tab.link.state().refusals).toBe(3);
  });

  it('is reported as lost if it never arrived', async () => {
    const tab = openLink();
    tab.attach();
    for (const text of ['arrived', 'lost!']) {
      tab.link.type(Buffer.from(text));
      await settled();
    }
    tab.cut();
    tab.attach({ typed: 1 });
    expect(tab.link.state().lostInput).toEqual({ bytes: 5, reason: 'connection' });
    tab.link.dismissNotices();
    expect(tab.link.state().lostInput).toBeNull();
    tab.link.type(Buffer.from('on'));
    await settled();
    expect(tab.typed.at(-1)?.seq).toBe(3);
  });

  it('is reported as lost if the server refused it', async () => {
    const tab = openLink();
    tab.attach();
    tab.link.type(Buffer.from('12345'));
    await settled();
    tab.receive({ kind: 'refused', seq: 1, why: 'failed', refusals: 1 });
    expect(tab.link.state().lostInput).toEqual({ bytes: 5, reason: 'failed' });
  });

  it('carries the number of known refusals', async () => {
    const tab = openLink();
    tab.attach();
    for (const text of ['rm -r', ' /tmp/kept', ' other\r']) {
      tab.link.type(Buffer.from(text));
      await settled();
    }
    tab.receive({ kind: 'refused', seq: 1, why: 'failed', refusals: 1 });
    tab.link.type(Buffer.from('ls\r'));
    await settled();
    expect(tab.typed.map(({ seq, after }) => [seq, after])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
    ]);
    // Refusals during a lost connection are reported on subscribing.
    tab.cut();
    tab.attach({ typed: 4, refusals: 3 });
    tab.link.type(Buffer.from('pwd\r'));
    await settled();
    expect(tab.typed.at(-1)).toMatchObject({ seq: 5, after: 3 });
  });
});
