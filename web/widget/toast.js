/** The newest alert alone, until somebody puts it away; that is remembered, where a browser lets us. */

import { risenAt } from './window.js';

/** @import { Items } from './items.js' */
/** @import { Press } from './view.js' */
/** @import { Item } from './window.js' */

export class Toast {
  tall = true;
  /** @type {Press[]} */ controls = ['pause', 'dismiss'];
  /** @type {Items} */ #items;
  /** @type {string} */ #key;
  /** The one that is shown, as it is remembered: no text. @type {[string, string, number]} */ #now = ['', '', 0];
  /** What was last put away: when it had come, which it was, in which version. */ #away = this.#now;

  /**
   * @param {Items} items
   * @param {string} channel
   */
  constructor(items, channel) {
    this.#items = items;
    this.node = items.node;
    this.#key = `ticker-toast-${channel}`;
    try {
      const [time = '', id = '', version = 0] = JSON.parse(localStorage[this.#key]);
      this.#away = [time, id, version];
    } catch {
      // No storage, or nothing of ours in it.
    }
  }

  /** @param {Item[]} items */
  show(items) {
    const newest = items.reduce((a, b) => (a && risenAt(a) >= risenAt(b) ? a : b), /** @type {Item|undefined} */ (undefined));
    for (const { id } of items) this.#items.nodeOf(id)?.classList.toggle('current', id === newest?.id);
    if (!newest) return true;
    const at = risenAt(newest);
    this.#now = [at, newest.id, newest.version];
    const [time, id, version] = this.#away;
    // What is older than what was put away is no news. A correction of it is.
    return Boolean(id) && at <= time && !(newest.id === id && newest.version > version && newest.signal === 'correction');
  }

  dismiss() {
    this.#away = this.#now;
    try {
      localStorage[this.#key] = JSON.stringify(this.#away);
    } catch {
      // It is away until the page is left.
    }
  }
}
