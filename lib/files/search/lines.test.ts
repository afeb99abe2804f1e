import { expect, it } from 'vitest';
import type { SearchLine } from '../schema';
import { searchLines } from './lines';

const hit = (path: string) => ({ type: 'hit', path, kind: 'file', line: 3, text: 'é', isAddressable: true });

async function linesOf(text: string, partBytes: number): Promise<SearchLine[]> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += partBytes)
        controller.enqueue(bytes.slice(at, at + partBytes));
      controller.close();
    },
  });
  const lines: SearchLine[] = [];
  for await (const some of searchLines(body)) lines.push(...some);
  return lines;
}

it.each([1, 7, 10_000])('parses lines in chunks of %d bytes', async (partBytes) => {
  const all = [hit('/a'), hit('/b\nc'), { type: 'end', hits: 2, cut: 'time' }];
  const text = all.map((line) => JSON.stringify(line)).join('\n');
  expect(await linesOf(text, partBytes)).toEqual(all);
  expect(await linesOf(`${text}\n`, partBytes)).toEqual(all);
});

it('skips invalid lines', async () => {
  expect(await linesOf(`nonsense\n{"type":"else"}\n\n${JSON.stringify(hit('/a'))}\n{"type":"hi`, 5)).toEqual([
    hit('/a'),
  ]);
});
