/**
 * The rolling window of a channel: a pure fold of its entries, the same as the server's.
 * No clock, no network, no DOM; both are held to one table of cases.
 */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {number} version
 * @property {string} [headline]
 * @property {string} [attribution]
 * @property {string} [language]
 * @property {string} [direction]
 * @property {number} [urgency]
 * @property {string} [signal]
 * @property {string} [link]
 * @property {string} [correction_note]
 * @property {string} [firstcreated]
 * @property {string} [published_at]
 * @property {string} [pinned_until]
 *
 * @typedef {{act: string, item: Item}} Entry
 */

/** A page left open for weeks must not grow; nobody comes back with an id older than this many withdrawals. */
const TOMBSTONES = 1000;

/** @param {Item} item */
const pinned = (item) => Boolean(item.pinned_until);

export class Window {
  /** @type {number} */ #size;
  /** Newest first, pinned or not: an unpinned item finds its place again. @type {Item[]} */ #items = [];
  /** Item id to the version that withdrew it, oldest first. @type {Map<string, number>} */ #tombstones = new Map();

  /** @param {number} [size] how many items it holds; withdrawn ones do not count */
  constructor(size = 10) {
    this.#size = size;
  }

  /**
   * Replaces the items by a snapshot's. Tombstones stay: a snapshot out of a cache may be older than a retraction.
   * @param {Item[]} items pinned first, each group newest first
   * @param {string[]} [tombstones] ids
   */
  load(items, tombstones = []) {
    for (const id of tombstones) this.#bury(id, Infinity);
    const kept = items.filter((item) => !this.#tombstones.has(item.id));
    this.#items = kept.filter((item) => !pinned(item));
    for (const item of kept.filter(pinned)) {
      const older = this.#items.findIndex((other) => (other.published_at ?? '') < (item.published_at ?? ''));
      this.#items.splice(older < 0 ? this.#items.length : older, 0, item);
    }
    this.#trim();
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether anything changed
   */
  apply({ act, item }) {
    switch (act) {
      case 'publish':
        return this.#publish(item);
      case 'update':
      case 'correct':
      case 'pin':
      case 'unpin':
        return this.#replace(item);
      case 'retract':
      case 'expire':
        return this.#withdraw(item);
      default:
        return false;
    }
  }

  /** The view: pinned first, each group newest first. @returns {Item[]} */
  get items() {
    return [...this.#items.filter(pinned), ...this.#items.filter((item) => !pinned(item))];
  }

  /** Ids of what was withdrawn, oldest first. @returns {string[]} */
  get tombstones() {
    return [...this.#tombstones.keys()];
  }

  /** @param {Item} item */
  #publish(item) {
    if (this.#tombstones.has(item.id)) return false;
    if (this.#items.some((known) => known.id === item.id)) return this.#replace(item);
    this.#items.unshift(item);
    this.#trim();
    return this.#items.includes(item);
  }

  /** @param {Item} item */
  #replace(item) {
    const place = this.#items.findIndex((known) => known.id === item.id);
    if (place < 0 || this.#items[place].version >= item.version) return false;
    this.#items[place] = item;
    return true;
  }

  /** @param {Item} item */
  #withdraw(item) {
    const known = this.#items.find(({ id }) => id === item.id);
    if (this.#tombstones.has(item.id) || (known && known.version >= item.version)) return false;
    this.#bury(item.id, item.version);
    this.#items = this.#items.filter((known) => known.id !== item.id);
    return true;
  }

  /**
   * @param {string} id
   * @param {number} version
   */
  #bury(id, version) {
    this.#tombstones.set(id, version);
    if (this.#tombstones.size > TOMBSTONES) {
      this.#tombstones.delete(/** @type {string} */ (this.#tombstones.keys().next().value));
    }
  }

  #trim() {
    while (this.#items.length > this.#size) {
      const oldest = this.#items.findLastIndex((item) => !pinned(item));
      this.#items.splice(oldest < 0 ? this.#items.length - 1 : oldest, 1);
    }
  }
}
