import { expect, it } from 'vitest';
import { Backpressure } from './backpressure';
import { ConsoleOutput } from './output';
import { type ConsoleEvent, unpackOutput, WINDOW_BYTES } from './protocol';
import { Viewer } from './viewer';

/** A shell's output and the tabs that show it. */
function openOutput() {
  const clock = { nowMs: 0 };
  const output = new ConsoleOutput();
  const viewers = new Set<Viewer>();
  const backpressure = new Backpressure(viewers);
  return {
    clock,
    backpressure,
    openTab() {
      const events: ConsoleEvent[] = [];
      let sent = 0;
      const socket = {
        send: (event: ConsoleEvent) => events.push(event),
        sendBytes: (frame: Uint8Array) => {
          sent += unpackOutput(frame)?.bytes.length ?? 0;
        },
        recheck: async () => true,
      };
      const identity = { userId: 'user-ana', actor: 'ana', sessionId: 's', client: 'tab' };
      const viewer = new Viewer(identity, socket, output, () => clock.nowMs);
      viewers.add(viewer);
      viewer.begin(output.ring.end, { typed: 0, refusals: 0 });
      return { viewer, events, sent: () => sent };
    },
    write(bytes: number) {
      output.append(new Uint8Array(bytes));
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

it('sends one window, and more after acknowledgements', () => {
  const output = openOutput();
  const tab = output.openTab();
  output.write(1_000_000);
  expect(tab.sent()).toBe(WINDOW_BYTES);
  tab.viewer.acknowledge(100_000);
  expect(tab.sent()).toBe(WINDOW_BYTES + 100_000);
  // Ignores a repeated offset, and one that was never sent.
  tab.viewer.acknowledge(100_000);
  tab.viewer.acknowledge(5_000_000);
  expect(tab.sent()).toBe(WINDOW_BYTES + 100_000);
});

it('waits for the fastest tab only', async () => {
  const output = openOutput();
  const [quick, slow] = [output.openTab(), output.openTab()];
  output.write(WINDOW_BYTES + 1);
  const waiting = output.backpressure.wait(WINDOW_BYTES + 1);
  expect(await isHeld(waiting)).toBe(true);
  quick.viewer.acknowledge(WINDOW_BYTES);
  output.backpressure.notify();
  expect(await isHeld(waiting)).toBe(false);
  expect(slow.viewer.lag).toBeGreaterThan(WINDOW_BYTES);
});

it('does not wait for stalled tabs or tabs that left', async () => {
  const output = openOutput();
  const { viewer } = output.openTab();
  output.write(WINDOW_BYTES + 1);
  output.clock.nowMs += 11_000;
  expect(await isHeld(output.backpressure.wait(1))).toBe(false);
  output.clock.nowMs = 0;
  const waiting = output.backpressure.wait(1);
  output.drop(viewer);
  output.backpressure.notify();
  expect(await isHeld(waiting)).toBe(false);
});

it('skips what a slow tab missed and reports the gap', () => {
  const output = openOutput();
  const tab = output.openTab();
  for (let at = 0; at < 80; at += 1) output.write(100_000);
  expect(tab.sent()).toBe(WINDOW_BYTES);
  expect(tab.events.filter(({ kind }) => kind === 'gap')).toEqual([]);
  tab.viewer.acknowledge(200_000);
  const gap = tab.events.find(({ kind }) => kind === 'gap');
  expect(gap).toMatchObject({ kind: 'gap', missing: expect.any(Number) });
  expect(tab.sent()).toBe(WINDOW_BYTES + 200_000);
});
