/**
 * The ways to show a window of items. Each mode is given the nodes and decides which of them is seen, and when;
 * none of them knows the network, or what an entry is.
 */

import { Crawl } from './crawl.js';
import { Toast } from './toast.js';

/** @import { Items } from './items.js' */
/** @import { Press } from './view.js' */
/** @import { Item } from './window.js' */

/**
 * @typedef {object} Mode
 * @property {HTMLElement} node what stands on the stage
 * @property {Press[]} controls names of the buttons
 * @property {boolean} [tall] whether it shows alerts below each other, and scrolls
 * @property {(items: Item[], fresh: string|null) => boolean|void} show `fresh` is the id of an alert that has just come;
 *   true: there is nothing to be seen
 * @property {(step: number) => void} [move] by hand
 * @property {(moving: boolean) => void} [run] whether it may move by itself
 * @property {() => void} [dismiss] what is shown is put away
 */

const TURN_MS = 6_000;

/** One alert at a time. @implements {Mode} */
class Rotate {
  /** @type {Press[]} */ controls = ['previous', 'pause', 'next'];
  /** @type {Items} */ #items;
  /** @type {string[]} */ #order = [];
  /** @type {string|null} */ #current = null;
  #place = 0;
  #moving = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {Items} items */
  constructor(items) {
    this.#items = items;
    this.node = items.node;
  }

  /**
   * @param {Item[]} items
   * @param {string|null} fresh
   */
  show(items, fresh) {
    this.#order = items.map((item) => item.id);
    const place = this.#order.indexOf(fresh ?? this.#current ?? '');
    // When the one that was seen is withdrawn, the one that moves into its place follows.
    this.#place = place >= 0 ? place : Math.min(this.#place, this.#order.length - 1);
    this.#turn(0);
    if (fresh) this.#schedule();
  }

  /** @param {number} step */
  move(step) {
    this.#turn(step);
    this.#schedule();
  }

  /** @param {boolean} moving */
  run(moving) {
    this.#moving = moving;
    this.#schedule();
  }

  /** @param {number} step */
  #turn(step) {
    const n = this.#order.length;
    this.#place = n ? (this.#place + step + n) % n : 0;
    this.#items.nodeOf(this.#current)?.classList.remove('current');
    this.#current = this.#order[this.#place] ?? null;
    this.#items.nodeOf(this.#current)?.classList.add('current');
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#moving) return;
    this.#timer = setTimeout(() => {
      // Somebody is reading it, or is about to follow its link.
      if (!this.node.matches(':hover, :focus-within')) this.#turn(1);
      this.#schedule();
    }, TURN_MS);
  }
}

/** All of them below each other; nothing moves but what arrives. @implements {Mode} */
class List {
  tall = true;
  /** @type {Press[]} */ controls = ['pause'];

  /** @param {Items} items */
  constructor(items) {
    this.node = items.node;
  }

  show() {}
}

/** @type {Record<string, new (items: Items, channel: string) => Mode>} */
const MODES = { rotate: Rotate, scroll: Crawl, list: List, toast: Toast };

/**
 * @param {string|null} name the attribute; an unknown one is the default
 * @param {Items} items
 * @param {string} channel
 * @returns {[string, Mode]} with its name
 */
export function modeFor(name, items, channel) {
  const found = name && Object.hasOwn(MODES, name) ? name : 'rotate';
  return [found, new MODES[found](items, channel)];
}
