/** Tells people who listen to the page about alerts and corrections: in whole sentences, now and then, politely. */

import { make } from './dom.js';
import { sentence } from './items.js';
import { count } from './strings.js';

/** @import { Item } from './window.js' */
/** @import { Strings } from './strings.js' */

const APART_MS = 10_000;

export class Announcer {
  /** @type {HTMLElement} */ node = make('div', 'announcer', { role: 'status' });
  /** Where a flash interrupts, on a page that wants it to. @type {HTMLElement} */
  alarm = make('div', 'announcer', { role: 'alert' });
  /** @type {Strings} */ #strings;
  /** Not said yet, by id, so that one withdrawn meanwhile is never said. @type {Map<string, Item>} */ #waiting = new Map();
  /** Ids. @type {string[]} */ #said = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {Strings} strings */
  constructor(strings) {
    this.#strings = strings;
  }

  /**
   * @param {Item} item
   * @param {boolean} assertive whether this page wants a flash said at once
   */
  add(item, assertive) {
    if (document.hidden) return;
    if (assertive && item.urgency === 1) {
      this.#write(this.alarm, sentence(item, this.#strings), item);
      return;
    }
    this.#waiting.set(item.id, item);
    this.#timer ??= setTimeout(() => this.#say());
  }

  /** @param {string} id */
  forget(id) {
    this.#waiting.delete(id);
    if (this.#said.includes(id)) this.node.textContent = '';
    this.alarm.textContent = '';
  }

  /** What was said and what was to be said is of no use any more. */
  hush() {
    this.#waiting.clear();
    this.node.textContent = this.alarm.textContent = '';
  }

  /** Leaves no timer. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.hush();
  }

  #say() {
    this.#timer = undefined;
    const items = [...this.#waiting.values()];
    this.#waiting.clear();
    if (!items.length || document.hidden) return;
    this.#timer = setTimeout(() => this.#say(), APART_MS);
    this.#said = items.map(({ id }) => id);
    // New alerts can be counted; what was wrong has to be said.
    const said = items.filter(({ signal }) => items.length === 1 || signal === 'correction');
    const rest = items.length - said.length;
    const words = said.map((item) => sentence(item, this.#strings));
    if (rest) words.push(count(this.#strings, this.#strings.alerts, rest));
    this.#write(this.node, words.join(' '), items.length === 1 ? items[0] : {});
  }

  /**
   * @param {HTMLElement} node
   * @param {string} words
   * @param {{language?: string}} item in whose language they are
   */
  #write(node, words, { language }) {
    node.lang = language || this.#strings.language;
    node.textContent = words;
  }
}
