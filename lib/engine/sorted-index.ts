/**
 * Items kept in order in one array: binary search to find a place, a memory move to make room. At ten thousand items
 * that costs microseconds, and reading a stretch in order costs nothing. `compare` must tell any two items apart and
 * must not change its mind about an item while that is in here.
 */
export class SortedIndex<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #items: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  add(item: T): void {
    const at = this.#position(item);
    if (at === this.#items.length) this.#items.push(item);
    else this.#items.splice(at, 0, item);
  }

  /** Whether the item was there. */
  remove(item: T): boolean {
    const at = this.#position(item);
    const found = this.#items[at];
    if (found === undefined || this.#compare(found, item) !== 0) return false;
    this.#items.splice(at, 1);
    return true;
  }

  /** Items from the first on, up to the first that is not `wanted`. */
  takeWhile(wanted: (item: T) => boolean): T[] {
    const end = this.#items.findIndex((item) => !wanted(item));
    return end === -1 ? [...this.#items] : this.#items.slice(0, end);
  }

  /** Items backwards from the last one that comes before `bound`; all of them when there is no bound. */
  *backwards(bound?: T): Generator<T> {
    for (let at = bound === undefined ? this.#items.length : this.#position(bound); at > 0; ) {
      at -= 1;
      const item = this.#items[at];
      if (item !== undefined) yield item;
    }
  }

  /** The first place whose item does not come before `item`. */
  #position(item: T): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const candidate = this.#items[middle];
      if (candidate !== undefined && this.#compare(candidate, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
