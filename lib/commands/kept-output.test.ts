import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeptOutput } from './kept-output';
import { NO_OUTPUT, type OutputText, withPiece } from './schema';

const bytes = (text: string) => Buffer.from(text);

function kept(most: number, ...chunks: (string | Buffer)[]): KeptOutput {
  const output = new KeptOutput(most);
  for (const chunk of chunks) output.add(Buffer.from(chunk));
  return output;
}

describe('what is kept', () => {
  it('is all of it where that fits', () => {
    expect(kept(8, 'abc', 'def').text(true)).toEqual({
      head: 'abcdef',
      tail: '',
      leftOutBytes: 0,
      totalBytes: 6,
      isBroken: false,
    });
    // The head is full and the rest fits behind it.
    expect(kept(4, 'abcdefgh').text(true)).toMatchObject({ head: 'abcdefgh', tail: '', leftOutBytes: 0 });
  });

  it('is the beginning and the end of what is longer, in whatever pieces it came', () => {
    const whole = 'abcdefghijklmnopqrstuvwxyz';
    for (const size of [1, 2, 3, 5, 26]) {
      const chunks = whole.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
      expect(kept(4, ...chunks).text(true)).toEqual({
        head: 'abcd',
        tail: 'wxyz',
        leftOutBytes: 18,
        totalBytes: 26,
        isBroken: false,
      });
    }
  });

  it('stands in few pieces, however small those are that it comes in', () => {
    const output = new KeptOutput();
    for (let at = 0; at < 300_000; at += 1) output.add(Buffer.from([65 + (at % 26)]));
    const concat = vi.spyOn(Buffer, 'concat');
    onTestFinished(() => concat.mockRestore());
    const { head, tail, leftOutBytes } = output.text(true);
    expect([head.slice(0, 3), tail.slice(-3)]).toEqual(['ABC', 'JKL']);
    expect(leftOutBytes).toBe(300_000 - 256 * 1024);
    expect(concat.mock.calls.length).toBeGreaterThan(0);
    for (const [pieces] of concat.mock.calls) expect(pieces.length).toBeLessThan(100);
  });

  it('tears no character apart where it leaves something out', () => {
    // Each is two bytes: five of them fit neither.
    expect(kept(5, 'äöüßäöüß').text(true)).toEqual({
      head: 'äö',
      tail: 'üß',
      leftOutBytes: 8,
      totalBytes: 16,
      isBroken: false,
    });
  });

  it('joins characters that came in two pieces', () => {
    const [one = 0, two = 0] = bytes('ä');
    expect(kept(64, Buffer.from([one]), Buffer.from([two])).text(true).head).toBe('ä');
  });

  it('says where something is no UTF-8, and shows the sign for it', () => {
    expect(kept(64, Buffer.from([0x61, 0xff, 0x62])).text(true)).toMatchObject({
      head: 'a\uFFFDb',
      isBroken: true,
    });
    // The sign itself is a character like any other.
    expect(kept(64, '\uFFFD').text(true).isBroken).toBe(false);
  });

  it('waits for the rest of a character as long as more may come', () => {
    const half = kept(64, Buffer.from([0x61, 0xc3]));
    expect(half.text(false)).toMatchObject({ head: 'a', isBroken: false });
    expect(half.text(true)).toMatchObject({ head: 'a\uFFFD', isBroken: true });
  });

  it('has one digest for the same bytes, those that are left out too', () => {
    expect(kept(2, 'abc', 'def').digest()).toBe(kept(2, 'abcdef').digest());
    expect(kept(2, 'abXdef').digest()).not.toBe(kept(2, 'abcdef').digest());
  });
});

describe('what is told', () => {
  it('is what came since the last time', () => {
    const output = kept(64, 'ab');
    expect(output.takePending()).toEqual({ text: 'ab', skippedBytes: 0, totalBytes: 2 });
    expect(output.takePending()).toBeNull();
    const [one = 0, two = 0] = bytes('ä');
    output.add(Buffer.from([one]));
    expect(output.takePending()?.text).toBe('');
    output.add(Buffer.from([two]));
    expect(output.takePending()?.text).toBe('ä');
  });

  it('is the end of what came too quickly, and how much came before it', () => {
    const output = kept(1_000_000, 'x'.repeat(100_000), 'end');
    const news = output.takePending();
    expect(news?.text.length).toBe(32 * 1024);
    expect(news?.text.endsWith('xend')).toBe(true);
    expect(news?.skippedBytes).toBe(100_003 - 32 * 1024);
  });

  it('adds up, in the browser, to what is kept', () => {
    const output = new KeptOutput();
    let shown: OutputText = NO_OUTPUT;
    for (let at = 0; at < 200; at += 1) {
      output.add(bytes(`line ${at} äöü\n`.repeat(at % 7)));
      const news = output.takePending();
      if (news) shown = withPiece(shown, news);
    }
    expect(shown).toEqual(output.text(true));
  });

  it('stays bounded in the browser, with the beginning and the end', () => {
    let shown: OutputText = NO_OUTPUT;
    for (let at = 1; at <= 20; at += 1)
      shown = withPiece(shown, { text: 'y'.repeat(30_000), skippedBytes: 0, totalBytes: at * 30_000 });
    expect(shown.head.length + shown.tail.length).toBeLessThanOrEqual(2 * 128 * 1024);
    expect(shown.head.length + shown.tail.length + shown.leftOutBytes).toBe(600_000);
    const gap = withPiece(shown, { text: 'z', skippedBytes: 50, totalBytes: 600_051 });
    expect(gap.tail).toBe('z');
    expect(gap.head.length + gap.leftOutBytes + 1).toBe(600_051);
  });
});
