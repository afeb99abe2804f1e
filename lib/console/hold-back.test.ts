import { expect, it } from 'vitest';
import { HoldBack } from './hold-back';
import { type ConsoleEvent, unpackOutput, WINDOW_BYTES } from './protocol';
import { OutputRing } from './ring';
import { Viewer } from './viewer';

/** A shell's output with tabs that look at it. */
function openOutput() {
  const clock = { nowMs: 0 };
  const ring = new OutputRing(2_000_000);
  const viewers = new Set<Viewer>();
  const hold = new HoldBack(viewers);
  return {
    clock,
    hold,
    look() {
      const events: ConsoleEvent[] = [];
      let sent = 0;
      const door = {
        send: (event: ConsoleEvent) => events.push(event),
        sendBytes: (frame: Uint8Array) => {
          sent += unpackOutput(frame)?.bytes.length ?? 0;
        },
        recheck: async () => true,
      };
      const who = { actor: 'ana', sessionId: 's', client: 'tab' };
      const viewer = new Viewer(
        who,
        door,
        ring,
        () => '',
        () => clock.nowMs,
      );
      viewers.add(viewer);
      viewer.begin(ring.end, { typed: 0, refusals: 0 });
      return { viewer, events, sent: () => sent };
    },
    write(bytes: number) {
      ring.append(new Uint8Array(bytes));
      for (const viewer of viewers) viewer.pump();
    },
    drop: (viewer: Viewer) => viewers.delete(viewer),
  };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

async function isHeld(waiting: Promise<void>): Promise<boolean> {
  const held = Symbol('held');
  return (await Promise.race([waiting, settled().then(() => held)])) === held;
}

it('a tab gets a window, and more as it acknowledges', () => {
  const output = openOutput();
  const tab = output.look();
  output.write(1_000_000);
  expect(tab.sent()).toBe(WINDOW_BYTES);
  tab.viewer.acknowledge(100_000);
  expect(tab.sent()).toBe(WINDOW_BYTES + 100_000);
  // Neither twice, nor what it was never sent.
  tab.viewer.acknowledge(100_000);
  tab.viewer.acknowledge(5_000_000);
  expect(tab.sent()).toBe(WINDOW_BYTES + 100_000);
});

it('the quickest tab holds the shell back, and goes on with what it draws', async () => {
  const output = openOutput();
  const [quick, slow] = [output.look(), output.look()];
  output.write(WINDOW_BYTES + 1);
  const waiting = output.hold.after(WINDOW_BYTES + 1);
  expect(await isHeld(waiting)).toBe(true);
  quick.viewer.acknowledge(WINDOW_BYTES);
  output.hold.wake();
  expect(await isHeld(waiting)).toBe(false);
  expect(slow.viewer.lag).toBeGreaterThan(WINDOW_BYTES);
});

it('a tab that has stopped drawing, and one that has left, hold nothing back', async () => {
  const output = openOutput();
  const { viewer } = output.look();
  output.write(WINDOW_BYTES + 1);
  output.clock.nowMs += 11_000;
  expect(await isHeld(output.hold.after(1))).toBe(false);
  output.clock.nowMs = 0;
  const waiting = output.hold.after(1);
  output.drop(viewer);
  output.hold.wake();
  expect(await isHeld(waiting)).toBe(false);
});

it('what a slow tab misses is skipped once it draws again, and told', () => {
  const output = openOutput();
  const tab = output.look();
  for (let at = 0; at < 80; at += 1) output.write(100_000);
  expect(tab.sent()).toBe(WINDOW_BYTES);
  expect(tab.events.filter(({ kind }) => kind === 'gap')).toEqual([]);
  tab.viewer.acknowledge(200_000);
  const gap = tab.events.find(({ kind }) => kind === 'gap');
  expect(gap).toMatchObject({ kind: 'gap', missing: expect.any(Number) });
  expect(tab.sent()).toBe(WINDOW_BYTES + 200_000);
});
