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
 * @property {string} [bumped_at]
 * @property {string} [pinned_until]
 * @property {string} [expires]
 *
 * @typedef {{act: string, item: Item}} Entry
 */

/** Of what is shown, these acts change no more than the text. */
export const CHANGES = /^(publish|update|correct|(un)?pin)$/;
/** After these it is not shown any more. */
export const LEAVES = /^(retract|expire)$/;

/** A page left open for weeks must not grow; nobody comes back with an id older than this many withdrawals. */
const TOMBSTONES = 1000;

/** @param {Item} item */
const pinned = (item) => Boolean(item.pinned_until);

/** When it came to the top. @param {Item} item */
export const risenAt = (item) => item.bumped_at ?? item.published_at ?? item.firstcreated ?? '';

export class Window {
  /** @type {number} */ #size;
  /** Newest first, pinned or not: an unpinned item finds its place again. @type {Item[]} */ #items = [];
  /** Item id to the version that took it away, Infinity for good; oldest first. @type {Map<string, number>} */
  #gone = new Map();

  /** @param {number} [size] how many items it holds; withdrawn ones do not count */
  constructor(size = 10) {
    this.#size = size;
  }

  /**
   * Replaces the items by a snapshot's. Tombstones stay: a snapshot out of a cache may be older than a retraction.
   * @param {Item[]} items pinned first, each group newest first
   * @param {[string, number][]} [gone] ids and versions, as below
   */
  load(items, gone = []) {
    for (const [id, version] of gone) this.#bury({ id, version });
    const kept = items.filter((item) => !this.#over(item));
    for (const { id } of kept) this.#gone.delete(id);
    this.#items = kept.filter((item) => !pinned(item));
    for (const item of kept.filter(pinned)) {
      const older = this.#items.findIndex((other) => risenAt(other) < risenAt(item));
      this.#items.splice(older < 0 ? this.#items.length : older, 0, item);
    }
    this.#trim();
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether anything changed
   */
  apply({ act, item }) {
    const place = this.#items.findIndex(({ id }) => id === item.id);
    const known = this.#items[place];
    if (this.#over(item) || (known && known.version >= item.version)) return false;
    const others = this.#items.filter((other) => other !== known);
    if (act === 'publish') {
      // What is published again, moved up or released, stands as if it were new.
      this.#items = [item, ...others];
      this.#gone.delete(item.id);
      this.#trim();
      return this.#items.includes(item);
    }
    if (LEAVES.test(act)) {
      this.#items = others;
      this.#bury({ id: item.id, version: act === 'retract' ? Infinity : item.version });
      return true;
    }
    if (!known || !CHANGES.test(act)) return false;
    this.#items[place] = item;
    return true;
  }

  /** The view: pinned first, each group newest first. @returns {Item[]} */
  get items() {
    return [...this.#items.filter(pinned), ...this.#items.filter((item) => !pinned(item))];
  }

  /** Ids of what is gone, each with the version that took it away; the newest last. */
  get gone() {
    return [...this.#gone];
  }

  /** @param {{id: string, version: number}} item */
  #over({ id, version }) {
    return version <= (this.#gone.get(id) ?? 0);
  }

  /** @param {{id: string, version: number}} item */
  #bury({ id, version }) {
    if (this.#over({ id, version })) return;
    this.#gone.delete(id);
    this.#gone.set(id, version);
    if (this.#gone.size > TOMBSTONES) this.#gone.delete(/** @type {string} */ (this.#gone.keys().next().value));
  }

  #trim() {
    while (this.#items.length > this.#size) {
      const last = this.items.at(-1);
      this.#items = this.#items.filter((item) => item !== last);
    }
  }
}
