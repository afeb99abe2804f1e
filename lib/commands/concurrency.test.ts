import { setMaxListeners } from 'node:events';
import { expect, it } from 'vitest';
import { eventually } from '../test-support/environment';
import { type CommandSlot, CommandSlots } from './concurrency';

const never = new AbortController().signal;
// Every waiter adds a listener.
setMaxListeners(0, never);

/** Requests many slots and returns those that have been granted so far. */
function takeMany(slots: CommandSlots, count: number): CommandSlot[] {
  const granted: CommandSlot[] = [];
  for (let at = 0; at < count; at += 1) void slots.take('bulk', never).then((slot) => granted.push(slot));
  return granted;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

it('limits starts, and starts the next when one has ended', async () => {
  const granted = takeMany(new CommandSlots(4), 6);
  await settled();
  expect(granted).toHaveLength(4);
  granted[0]?.release('fine');
  await settled();
  expect(granted).toHaveLength(5);
});

it('does not let a slow start block others', async () => {
  const granted = takeMany(new CommandSlots(2), 4);
  await settled();
  expect(granted).toHaveLength(2);
  await eventually(() => granted.length === 4);
});

it('starts the next once one runs, up to the running limit', async () => {
  const slots = new CommandSlots(256);
  const granted: CommandSlot[] = [];
  for (let at = 0; at < 200; at += 1)
    void slots.take('bulk', never).then((slot) => {
      granted.push(slot);
      slot.started();
    });
  await eventually(() => granted.length === 128);
  await settled();
  expect(granted).toHaveLength(128);
  granted[0]?.release('fine');
  await eventually(() => granted.length === 129);
});

it('frees the place of an aborted wait', async () => {
  const slots = new CommandSlots(1);
  const granted = takeMany(slots, 1);
  await settled();
  const stop = new AbortController();
  const waiting = slots.take('other', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  granted[0]?.release('fine');
  const after = takeMany(slots, 1);
  await settled();
  expect(after).toHaveLength(1);
});
