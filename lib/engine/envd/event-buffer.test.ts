import { expect, it } from 'vitest';
import type { FilesystemEvent } from './directory-watcher';
import { EventBuffer } from './event-buffer';

const created = (name: number): FilesystemEvent => ({ name: String(name), type: 'EVENT_TYPE_CREATE' });
const many = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => created(from + index));

it('keeps the oldest events and reports once that later ones were lost', () => {
  const buffer = new EventBuffer();
  for (let from = 0; from < 200_000; from += 1_000) buffer.add(many(from, 1_000));
  const kept = buffer.drain();
  expect(kept).toHaveLength(65_536);
  expect(kept[0]).toEqual(created(0));
  expect(() => buffer.drain()).toThrow(/events were lost/);
  expect(buffer.drain()).toEqual([]);
  buffer.add([created(7)]);
  expect(buffer.drain()).toEqual([created(7)]);
});

it('wakes its reader for events, failures and an abort', async () => {
  const buffer = new EventBuffer();
  const reading = new AbortController();
  const first = buffer.wait(reading.signal);
  buffer.add([created(1)]);
  await first;
  await buffer.wait(reading.signal);
  buffer.drain();
  const second = buffer.wait(reading.signal);
  buffer.fail('too much');
  await second;
  expect(() => buffer.drain()).toThrow('too much');
  const third = buffer.wait(reading.signal);
  reading.abort();
  await third;
});
