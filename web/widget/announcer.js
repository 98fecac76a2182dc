/** Tells people who listen to the page about new alerts: politely, in whole sentences, and not all the time. */

import { make } from './dom.js';
import { wholeText } from './items.js';
import { count } from './strings.js';

/** @import { Item } from './window.js' */
/** @import { Strings } from './strings.js' */

const APART_MS = 10_000;

export class Announcer {
  /** @type {HTMLElement} */ node = make('div', 'announcer', { role: 'status', 'aria-live': 'polite' });
  /** @type {Strings} */ #strings;
  /** Not said yet, by id, so that one withdrawn meanwhile is never said. @type {Map<string, Item>} */ #waiting = new Map();
  #saidAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {Strings} strings */
  constructor(strings) {
    this.#strings = strings;
  }

  /** @param {Item} item */
  add(item) {
    if (document.hidden) return;
    this.#waiting.set(item.id, item);
    const wait = Math.max(0, this.#saidAt + APART_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#say(), wait);
  }

  /** @param {string} id */
  forget(id) {
    this.#waiting.delete(id);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
    this.node.textContent = '';
  }

  #say() {
    this.#timer = undefined;
    const items = [...this.#waiting.values()];
    this.#waiting.clear();
    if (items.length === 0 || document.hidden) return;
    this.#saidAt = performance.now();
    const [item] = items;
    const one = items.length === 1;
    this.node.textContent = one ? wholeText(item) : count(this.#strings, 'alerts', items.length);
    if (one && item.language) this.node.setAttribute('lang', item.language);
    else this.node.removeAttribute('lang');
  }
}
