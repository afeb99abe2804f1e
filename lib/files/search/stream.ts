import 'server-only';
import type { SearchLine } from '../schema';

/**
 * A line of JSON for each, as they come. Resolves with the first, so that a search that cannot begin fails as such.
 * Whoever stops reading ends the search.
 */
export async function linesOf(lines: AsyncGenerator<SearchLine>): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<SearchLine>> | null = lines.next();
  await next;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await (next ?? lines.next());
      next = null;
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}
