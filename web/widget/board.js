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
    this.#shown.load(this.#known.items, this.#known.gone);
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
    // While paused, what the server no longer shows leaves too: whether it grew old or was withdrawn cannot be told.
    const current = new Map(this.#known.items.map((item) => [item.id, item]));
    const kept = this.#shown.items.flatMap((item) => current.get(item.id) ?? []);
    this.#shown.load(this.#paused && kept.length > 0 ? kept : this.#known.items, this.#known.gone);
    return {
      added: this.#known.items.filter((item) => !before.has(item.id)).reverse(),
      corrected: this.#known.items.filter(
        ({ id, correction_note: note }) => note && before.has(id) && before.get(id) !== note,
      ),
      removed: gone.map(([id]) => id).filter((id) => before.has(id)),
    };
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether anything changed
   */
  apply(entry) {
    const known = this.#known.apply(entry);
    // What is moved up changes where it stands, until the reader goes on.
    const still = this.#paused && entry.act === 'publish';
    const shown = this.#shown.apply(still ? { ...entry, act: 'update' } : entry);
    return known || shown;
  }
}
