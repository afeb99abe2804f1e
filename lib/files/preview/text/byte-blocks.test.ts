import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES, ByteBlocks } from './byte-blocks';

const blocksRead: number[] = [];
const read = async (start: number) => {
  blocksRead.push(start / BLOCK_BYTES);
  return new Uint8Array(BLOCK_BYTES).fill(start / BLOCK_BYTES);
};

test('fetches a block once and evicts old blocks', async () => {
  blocksRead.length = 0;
  const onChange = vi.fn();
  const blocks = new ByteBlocks(read, onChange);
  expect([blocks.get(3), blocks.get(3)]).toEqual([null, null]);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(null));
  expect(blocks.slice(3 * BLOCK_BYTES + 5, 2)).toEqual(Uint8Array.from([3, 3]));
  expect(blocksRead).toEqual([3]);
  for (let block = 10; block < 80; block += 1) blocks.get(block);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(71));
  expect(blocks.get(3)).toBeNull();
  expect(blocks.get(79)).not.toBeNull();
});

test('keeps visible blocks until they are reread', async () => {
  const onChange = vi.fn();
  const blocks = new ByteBlocks(read, onChange);
  blocks.get(0);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1));
  const renewed = blocks.renew(async () => Uint8Array.from([42]));
  expect(blocks.slice(0, 1)).toEqual(Uint8Array.from([0]));
  await renewed;
  expect(blocks.slice(0, 9)).toEqual(Uint8Array.from([42]));
});

test('rereads visible blocks after a retry of a failed reading', async () => {
  const onChange = vi.fn();
  const blocks = new ByteBlocks(read, onChange);
  blocks.get(0);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(null));
  let fails = true;
  await blocks.renew(async () => {
    if (fails) throw new Error('lost');
    return Uint8Array.from([42]);
  });
  expect(onChange).toHaveBeenLastCalledWith(new Error('lost'));
  fails = false;
  blocks.retry();
  await vi.waitFor(() => expect(blocks.slice(0, 9)).toEqual(Uint8Array.from([42])));
});

test('fetches a failed block again after a retry', async () => {
  const onChange = vi.fn();
  let fails = true;
  const blocks = new ByteBlocks(async () => {
    if (fails) throw new Error('lost');
    return Uint8Array.from([1]);
  }, onChange);
  blocks.get(0);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith(new Error('lost')));
  expect(blocks.get(0)).toBeNull();
  fails = false;
  blocks.retry();
  blocks.get(0);
  await vi.waitFor(() => expect(blocks.get(0)).toEqual(Uint8Array.from([1])));
});
