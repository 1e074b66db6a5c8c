/** Doing a bounded number of things at once. */

/**
 * Maps items with at most `limit` calls under way, or as many as `limit` says before an item that is the next; answers are in the order of the
 * items, and the first failure is thrown once all have ended.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  limit: number | ((item: Item) => number),
  work: (item: Item, index: number) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const limitOf = typeof limit === "number" ? () => limit : limit;
  const running = new Set<Promise<void>>();
  const serve = async (index: number): Promise<void> => {
    try {
      results[index] = await work(items[index] as Item, index);
    } catch (error) {
      failures.push(error);
    }
  };
  while (next < items.length && failures.length === 0) {
    if (running.size >= limitOf(items[next] as Item)) {
      await Promise.race(running);
      continue;
    }
    const one = serve(next++);
    running.add(one);
    void one.then(() => running.delete(one));
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return results;
}
