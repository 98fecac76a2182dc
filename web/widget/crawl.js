/**
 * All alerts in one line that runs. It runs over a copy that only eyes are told of, so that the end is followed by the
 * beginning; when it stands, the buttons move it.
 */

import { make } from './dom.js';

/** @import { Items } from './items.js' */
/** @import { Press } from './view.js' */
/** @import { Item } from './window.js' */

const PIXELS_PER_MS = 0.06;

export class Crawl {
  /** @type {Press[]} */ controls = ['previous', 'pause', 'next'];
  /** @type {HTMLElement} */ #list;
  #copy = make('ul', '', { 'aria-hidden': 'true', inert: '' });

  /** @param {Items} items */
  constructor(items) {
    this.#list = items.node;
    this.node = make('div', 'track', {}, this.#list, this.#copy);
    // A link that the keyboard reaches comes to where it can be read.
    this.node.addEventListener('focusin', ({ target }) => {
      const node = /** @type {HTMLElement} */ (target).closest('li');
      if (node) this.#at = this.#start(node);
    });
  }

  /**
   * @param {Item[]} items
   * @param {string|null} fresh
   */
  show(items, fresh) {
    // The newest begins the line; otherwise what is being read stays where it is.
    const at = fresh ? 0 : this.#at;
    if (!fresh && this.#list.textContent === this.#copy.textContent) return;
    // Laid out afresh, what stands elsewhere now was not pushed there; whoever holds the focus in it keeps it.
    this.node.hidden = !this.node.matches(':focus-within');
    this.node.offsetWidth;
    this.node.hidden = false;
    this.#copy.replaceChildren(.../** @type {HTMLElement} */ (this.#list.cloneNode(true)).children);
    this.node.style.setProperty('--_turn', `${this.#list.offsetWidth / PIXELS_PER_MS}ms`);
    this.#at = at;
  }

  /** To the next beginning, or to what did not fit. @param {number} step */
  move(step) {
    const whole = this.#list.offsetWidth;
    const room = this.node.parentElement?.offsetWidth ?? 0;
    const starts = [...this.#list.children].map((node) => this.#start(/** @type {HTMLElement} */ (node)));
    const at = Math.round(this.#at % whole);
    this.#at =
      step > 0
        ? Math.min(starts.find((start) => start > at) ?? whole, at + room)
        : starts.filter((start) => start < at).at(-1) ?? starts.at(-1) ?? 0;
  }

  /** @param {boolean} moving */
  run(moving) {
    this.node.classList.toggle('moving', moving);
  }

  /** How many pixels have passed. */
  get #at() {
    return /** @type {number} */ (this.node.getAnimations()[0]?.currentTime ?? 0) * PIXELS_PER_MS;
  }

  set #at(pixels) {
    const [animation] = this.node.getAnimations();
    if (animation) animation.currentTime = pixels / PIXELS_PER_MS;
  }

  /** @param {HTMLElement} node */
  #start(node) {
    return node.matches(':dir(rtl)') ? this.#list.offsetWidth - node.offsetLeft - node.offsetWidth : node.offsetLeft;
  }
}
