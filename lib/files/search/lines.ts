import type { SearchLine } from '../schema';

/** Parses NDJSON as it arrives. Skips lines that are not search lines. */
export async function* searchLines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<SearchLine[]> {
  let rest = '';
  for await (const text of textOf(body)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const found = lines.flatMap(parseLine);
    if (found.length > 0) yield found;
  }
  const last = parseLine(rest);
  if (last.length > 0) yield last;
}

async function* textOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // Not every browser supports async iteration of a stream.
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parseLine(text: string): SearchLine[] {
  if (text.trim() === '') return [];
  try {
    const line = JSON.parse(text) as SearchLine;
    return line.type === 'hit' || line.type === 'count' || line.type === 'end' ? [line] : [];
  } catch {
    return [];
  }
}
