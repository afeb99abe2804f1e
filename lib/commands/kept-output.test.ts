import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeptOutput } from './kept-output';
import { NO_OUTPUT, type OutputText, withPiece } from './schema';

const bytes = (text: string) => Buffer.from(text);

function kept(most: number, ...chunks: (string | Buffer)[]): KeptOutput {
  const output = new KeptOutput(most);
  for (const chunk of chunks) output.add(Buffer.from(chunk));
  return output;
}

describe('kept text', () => {
  it('is the whole output if it fits', () => {
    expect(kept(8, 'abc', 'def').text(true)).toEqual({
      head: 'abcdef',
      tail: '',
      leftOutBytes: 0,
      totalBytes: 6,
      isBroken: false,
    });
    // The head is full and the rest fits into the tail.
    expect(kept(4, 'abcdefgh').text(true)).toMatchObject({ head: 'abcdefgh', tail: '', leftOutBytes: 0 });
  });

  it('is the beginning and the end of a longer output, however it is chunked', () => {
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

  it('joins small chunks', () => {
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

  it('does not split a character at a gap', () => {
    // Each character has two bytes, so neither part can hold five.
    expect(kept(5, 'äöüßäöüß').text(true)).toEqual({
      head: 'äö',
      tail: 'üß',
      leftOutBytes: 8,
      totalBytes: 16,
      isBroken: false,
    });
  });

  it('joins a character that was split between chunks', () => {
    const [one = 0, two = 0] = bytes('ä');
    expect(kept(64, Buffer.from([one]), Buffer.from([two])).text(true).head).toBe('ä');
  });

  it('marks invalid UTF-8 and shows the replacement character', () => {
    expect(kept(64, Buffer.from([0x61, 0xff, 0x62])).text(true)).toMatchObject({
      head: 'a\uFFFDb',
      isBroken: true,
    });
    // The replacement character itself is valid.
    expect(kept(64, '\uFFFD').text(true).isBroken).toBe(false);
  });

  it('holds back an incomplete character while more may come', () => {
    const half = kept(64, Buffer.from([0x61, 0xc3]));
    expect(half.text(false)).toMatchObject({ head: 'a', isBroken: false });
    expect(half.text(true)).toMatchObject({ head: 'a\uFFFD', isBroken: true });
  });

  it('has the same digest for the same bytes, including omitted ones', () => {
    expect(kept(2, 'abc', 'def').digest()).toBe(kept(2, 'abcdef').digest());
    expect(kept(2, 'abXdef').digest()).not.toBe(kept(2, 'abcdef').digest());
  });
});

describe('pending output', () => {
  it('is the output since the last call', () => {
    const output = kept(64, 'ab');
    expect(output.takePending()).toEqual({ text: 'ab', skippedBytes: 0, totalBytes: 2 });
    expect(output.takePending()).toBeNull();
    const [one = 0, two = 0] = bytes('ä');
    output.add(Buffer.from([one]));
    expect(output.takePending()?.text).toBe('');
    output.add(Buffer.from([two]));
    expect(output.takePending()?.text).toBe('ä');
  });

  it('is the end of a fast output, with the number of skipped bytes', () => {
    const output = kept(1_000_000, 'x'.repeat(100_000), 'end');
    const news = output.takePending();
    expect(news?.text.length).toBe(32 * 1024);
    expect(news?.text.endsWith('xend')).toBe(true);
    expect(news?.skippedBytes).toBe(100_003 - 32 * 1024);
  });

  it('adds up to the kept text in the browser', () => {
    const output = new KeptOutput();
    let shown: OutputText = NO_OUTPUT;
    for (let at = 0; at < 200; at += 1) {
      output.add(bytes(`line ${at} äöü\n`.repeat(at % 7)));
      const news = output.takePending();
      if (news) shown = withPiece(shown, news);
    }
    expect(shown).toEqual(output.text(true));
  });

  it('stays bounded in the browser', () => {
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
