/**
 * The ways to show a window of items. Each mode is given the nodes and decides which of them is seen, and when;
 * none of them knows the network, or what an entry is.
 */

/** @import { Items } from './items.js' */
/** @import { Item } from './window.js' */

/**
 * @typedef {object} Mode
 * @property {(items: Item[], fresh: string|null) => void} show `fresh` is the id of an alert that has just come
 * @property {(step: number) => void} move by hand
 * @property {(moving: boolean) => void} run whether it may move by itself
 * @property {() => void} stop leaves no timer
 */

const TURN_MS = 6_000;

/** One alert at a time. @implements {Mode} */
export class Rotate {
  /** @type {Items} */ #items;
  /** @type {string[]} */ #order = [];
  /** @type {string|null} */ #current = null;
  #place = 0;
  #moving = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;

  /** @param {Items} items */
  constructor(items) {
    this.#items = items;
  }

  /**
   * @param {Item[]} items
   * @param {string|null} fresh
   */
  show(items, fresh) {
    this.#order = items.map((item) => item.id);
    const place = this.#order.indexOf(fresh ?? this.#current ?? '');
    // When the one that was seen is withdrawn, the one that moves into its place follows.
    this.#place = place >= 0 ? place : Math.min(this.#place, Math.max(0, this.#order.length - 1));
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

  stop() {
    this.run(false);
  }

  /** @param {number} step */
  #turn(step) {
    const n = this.#order.length;
    this.#place = n ? (this.#place + step + n) % n : 0;
    const before = this.#items.nodeOf(this.#current);
    this.#current = this.#order[this.#place] ?? null;
    const now = this.#items.nodeOf(this.#current);
    if (before !== now) before?.classList.remove('current');
    now?.classList.add('current');
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (!this.#moving) return;
    this.#timer = setTimeout(() => {
      // Somebody is reading it, or is about to follow its link.
      if (!this.#items.node.matches(':hover, :focus-within')) this.#turn(1);
      this.#schedule();
    }, TURN_MS);
  }
}

/** All of them below each other; nothing moves but what arrives. @implements {Mode} */
export class List {
  show() {}

  move() {}

  run() {}

  stop() {}
}

/**
 * @param {string|null} name the attribute; an unknown one is the default
 * @param {Items} items
 * @returns {{name: string, mode: Mode}}
 */
export function modeFor(name, items) {
  if (name === 'list') return { name, mode: new List() };
  return { name: 'rotate', mode: new Rotate(items) };
}
