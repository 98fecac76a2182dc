/**
 * What is known and what is shown: the same window, until the reader pauses. Then new alerts wait, while a
 * retraction or a correction of what is shown still takes effect at once. No DOM.
 */

import { Window } from './window.js';

/** @import { Entry, Item } from './window.js' */

export class Board {
  /** Everything that arrived. @type {Window} */ #known;
  /** What the reader sees. @type {Window} */ #shown;
  #paused = false;

  /** @param {number} size */
  constructor(size) {
    this.#known = new Window(size);
    this.#shown = new Window(size);
  }

  get paused() {
    return this.#paused;
  }

  /** What the reader sees, in order. @returns {Item[]} */
  get items() {
    return this.#shown.items;
  }

  /** What waits for the reader to go on, newest first. @returns {Item[]} */
  get waiting() {
    const shown = new Set(this.#shown.items.map((item) => item.id));
    return this.#known.items.filter((item) => !shown.has(item.id));
  }

  pause() {
    this.#paused = true;
  }

  play() {
    this.#paused = false;
    this.#shown.load(this.#known.items, this.#known.tombstones);
  }

  /**
   * @param {Item[]} items
   * @param {string[]} tombstones
   * @returns {{added: Item[], removed: string[]}} what is new to this page, oldest first, and what was withdrawn
   */
  load(items, tombstones) {
    const before = new Set(this.#known.items.map((item) => item.id));
    this.#known.load(items, tombstones);
    // While paused, what the server no longer shows leaves too: whether it grew old or was withdrawn cannot be told.
    const current = new Map(this.#known.items.map((item) => [item.id, item]));
    const kept = this.#shown.items.flatMap((item) => current.get(item.id) ?? []);
    this.#shown.load(this.#paused && kept.length > 0 ? kept : this.#known.items, this.#known.tombstones);
    return {
      added: this.#known.items.filter((item) => !before.has(item.id)).reverse(),
      removed: tombstones.filter((id) => before.has(id)),
    };
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether anything changed
   */
  apply(entry) {
    const known = this.#known.apply(entry);
    const shown = (!this.#paused || entry.act !== 'publish') && this.#shown.apply(entry);
    return known || shown;
  }
}
