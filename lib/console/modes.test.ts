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

  it('knows which modes only a program sets', () => {
    for (const mode of ['1003h', '1000;1006h', '1049h', '47h', '1004h', '25l'])
      expect(fed(`\x1b[?${mode}`).hasProgramModes, mode).toBe(true);
    // A shell at its prompt.
    expect(fed('\x1b[?2004h$ \x1b[?2004l').hasProgramModes).toBe(false);
    // Any of the mouse protocols ends the others.
    expect(fed('\x1b[?1003h\x1b[?1000l').hasProgramModes).toBe(false);
    // A soft reset does not end them.
    expect(fed('\x1b[?1003h\x1b[!p').hasProgramModes).toBe(true);
  });

  it('restores the modes of a shell', () => {
    const tracker = fed('\x1b[?1049h\x1b[?1003;1006h\x1b[?25l\x1b[?1h\x1b[?1004h\x1b[?2004h');
    const restored = fed(tracker.preamble(), tracker.restoration({ keepsPaste: false }));
    expect([restored.hasProgramModes, restored.isAlternateScreen]).toEqual([false, false]);
    expect(restored.preamble()).toBe(fed().preamble());
    expect(tracker.restoration({ keepsPaste: true })).toContain('\x1b[?2004h');
    // The mouse modes of a screen that missed their end.
    expect(fed('\x1b[?1003h', fed().preamble()).hasProgramModes).toBe(false);
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
