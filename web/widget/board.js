/**
 * What is known and what is shown: the same, until the reader pauses. Then what was shown is held and new alerts wait,
 * while a retraction or a correction of what is held still takes effect at once. No DOM.
 */

import { CHANGES, LEAVES, Window } from './window.js';

/** @import { Entry, Item } from './window.js' */

export class Board {
  /** Everything that arrived. @type {Window} */ #known;
  /** What the reader sees while it is paused, in order. @type {Item[]|null} */ #held = null;

  /** @param {number} size */
  constructor(size) {
    this.#known = new Window(size);
  }

  get paused() {
    return Boolean(this.#held);
  }

  /** What the reader sees, in order. @returns {Item[]} */
  get items() {
    return this.#held ?? this.#known.items;
  }

  /** What waits for the reader to go on, newest first. @returns {Item[]} */
  get waiting() {
    const { items } = this;
    return this.#known.items.filter(({ id }) => items.every((item) => item.id !== id));
  }

  pause() {
    this.#held ??= this.items;
  }

  play() {
    this.#held = null;
  }

  /** @param {string} id */
  knows(id) {
    return this.#known.items.some((item) => item.id === id);
  }

  /**
   * @param {Item[]} items
   * @param {[string, number][]} gone
   * @returns {{added: Item[], corrected: Item[], removed: string[]}} what is new to this page comes oldest first
   */
  load(items, gone) {
    const before = new Map(this.#known.items.map((item) => [item.id, item.correction_note]));
    this.#known.load(items, gone);
    const now = this.#known.items;
    if (this.#held) {
      // What the server no longer shows leaves too: whether it grew old or was withdrawn cannot be told.
      const kept = this.#held.flatMap(({ id }) => now.find((item) => item.id === id) ?? []);
      this.#held = kept.length ? kept : now;
    }
    return {
      added: now.filter(({ id }) => !before.has(id)).reverse(),
      corrected: now.filter(({ id, correction_note: note }) => note && before.has(id) && before.get(id) !== note),
      removed: gone.map(([id]) => id).filter((id) => before.has(id)),
    };
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether anything changed
   */
  apply(entry) {
    const { act, item } = entry;
    const changed = this.#known.apply(entry);
    const held = this.#held?.find(({ id }) => id === item.id);
    if (!this.#held || !held || held.version >= item.version) return changed;
    if (LEAVES.test(act)) this.#held = this.#held.filter((other) => other !== held);
    else if (CHANGES.test(act)) this.#held = this.#held.map((other) => (other === held ? item : other));
    return true;
  }
}
