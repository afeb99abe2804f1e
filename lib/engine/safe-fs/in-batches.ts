/** How many system calls of one request wait for a thread at a time. */
const BATCH = 32;

/** Runs `work` for every item, a batch at a time. @throws what the first failing one throws, once its batch is done. */
export async function inBatches<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    await settleAll(batch, work);
    batch = [];
  }
  await settleAll(batch, work);
}

/** Waits for all, also when one fails: none may still use a descriptor that is closed next. */
async function settleAll<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
