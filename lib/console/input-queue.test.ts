import { expect, it } from 'vitest';
import { InputQueue } from './input-queue';

/** A queue whose requests are answered by the test. */
function openQueue() {
  const requests: { text: string; answer: (error?: Error) => void }[] = [];
  const queue = new InputQueue(
    (bytes) =>
      new Promise((resolve, reject) => {
        const text = Buffer.from(bytes).toString();
        requests.push({ text, answer: (error) => (error ? reject(error) : resolve()) });
      }),
  );
  const outcomes: string[] = [];
  const add = (text: string) =>
    queue.add(
      Buffer.from(text),
      () => outcomes.push(`${text} sent`),
      () => outcomes.push(`${text} failed`),
    );
  return { requests, outcomes, add };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

it('sends one request at a time, with all input that is waiting', async () => {
  const { requests, outcomes, add } = openQueue();
  for (const key of 'ls -l') add(key);
  expect(requests.map(({ text }) => text)).toEqual(['l']);
  requests[0]?.answer();
  await settled();
  expect(requests.map(({ text }) => text)).toEqual(['l', 's -l']);
  expect(outcomes).toEqual(['l sent']);
  requests[1]?.answer();
  await settled();
  expect(outcomes).toHaveLength(5);
});

it('fails input that may not have arrived, and all input behind it', async () => {
  const { requests, outcomes, add } = openQueue();
  add('one');
  add('two');
  requests[0]?.answer(new Error('the sandbox cannot be reached'));
  await settled();
  expect(outcomes).toEqual(['one failed', 'two failed']);
  expect(requests).toHaveLength(1);
  add('three');
  expect(requests[1]?.text).toBe('three');
});

it('limits the bytes that wait', async () => {
  const { requests, add } = openQueue();
  const piece = 'x'.repeat(16 * 1024);
  let held = 0;
  while (add(piece)) held += piece.length;
  expect(held).toBeLessThanOrEqual(600 * 1024);
  for (let at = 0; at < requests.length; at += 1) {
    requests[at]?.answer();
    await settled();
  }
  expect(requests.reduce((sum, { text }) => sum + text.length, 0)).toBe(held);
  expect(add(piece)).toBe(true);
});

it('limits the pieces that wait', () => {
  const { add } = openQueue();
  let held = 0;
  while (held < 100_000 && add('x')) held += 1;
  expect(held).toBeGreaterThan(1_000);
  expect(held).toBeLessThan(10_000);
});
