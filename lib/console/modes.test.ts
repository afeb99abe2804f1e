import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModeTracker } from './modes';

function fed(...pieces: string[]): ModeTracker {
  const tracker = new ModeTracker();
  for (const piece of pieces) tracker.feed(Buffer.from(piece, 'latin1'));
  return tracker;
}

describe('ModeTracker', () => {
  it('tracks modes and restores them with a preamble', () => {
    const tracker = fed('text \x1b[?1049h\x1b[?2004;1006h\x1b[?25lmore\x1b[?2004l');
    expect(tracker.isAlternateScreen).toBe(true);
    const preamble = tracker.preamble();
    for (const part of ['\x1b[?1049h', '\x1b[?1006h', '\x1b[?25l']) expect(preamble).toContain(part);
    expect(preamble).not.toContain('2004');
    // The preamble brings another tracker into the same modes.
    expect(fed('\x1b[?2004h', preamble).isAlternateScreen).toBe(true);
  });

  it('leaves the alternate screen', () => {
    const tracker = fed('\x1b[?1049h', '\x1b[?1049l');
    expect(tracker.isAlternateScreen).toBe(false);
    expect(tracker.preamble()).toContain('\x1b[?1049l');
  });

  it('forgets modes after a reset', () => {
    expect(fed('\x1b[?1049h\x1b[?1h\x1bc').preamble()).toBe(fed().preamble());
    const soft = fed('\x1b[?1049h\x1b[?1h\x1b[!p');
    expect(soft.isAlternateScreen).toBe(true);
    expect(soft.preamble()).not.toContain('\x1b[?1h');
  });

  it('handles sequences that are split', () => {
    const text = 'a\x1b[?1049hb\x1b[?1000;1006hc\x1b[?25l\x1b[31md\x1b[!p\x1b[?2004h';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        expect(fed(...pieces).preamble()).toBe(fed(text).preamble());
      }),
    );
  });

  it('accepts any bytes and keeps a bounded state', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (pieces) => {
        const tracker = new ModeTracker();
        for (const piece of pieces) tracker.feed(piece);
        expect(tracker.preamble().length).toBeLessThan(300);
      }),
    );
  });
});
