import { setMaxListeners } from 'node:events';
import { expect, it } from 'vitest';
import { eventually } from '../test-support/environment';
import { type CommandSlot, CommandSlots } from './concurrency';

const never = new AbortController().signal;
// As many as wait listen to it.
setMaxListeners(0, never);

/** Asks for many turns, and answers those that were granted so far. */
function takeMany(turns: CommandSlots, count: number): CommandSlot[] {
  const granted: CommandSlot[] = [];
  for (let at = 0; at < count; at += 1) void turns.take('bulk', never).then((turn) => granted.push(turn));
  return granted;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

it('starts no more at once than the pace, and the next when one has ended', async () => {
  const granted = takeMany(new CommandSlots(4), 6);
  await settled();
  expect(granted).toHaveLength(4);
  granted[0]?.release('fine');
  await settled();
  expect(granted).toHaveLength(5);
});

it('lets no one that is slow to start keep others from it', async () => {
  const granted = takeMany(new CommandSlots(2), 4);
  await settled();
  expect(granted).toHaveLength(2);
  await eventually(() => granted.length === 4);
});

it('starts the next as soon as one runs, up to as many as may run at once', async () => {
  const turns = new CommandSlots(256);
  const granted: CommandSlot[] = [];
  for (let at = 0; at < 200; at += 1)
    void turns.take('bulk', never).then((turn) => {
      granted.push(turn);
      turn.started();
    });
  await eventually(() => granted.length === 128);
  await settled();
  expect(granted).toHaveLength(128);
  granted[0]?.release('fine');
  await eventually(() => granted.length === 129);
});

it('gives its place back when the wait is taken back', async () => {
  const turns = new CommandSlots(1);
  const granted = takeMany(turns, 1);
  await settled();
  const stop = new AbortController();
  const waiting = turns.take('other', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  granted[0]?.release('fine');
  const after = takeMany(turns, 1);
  await settled();
  expect(after).toHaveLength(1);
});
