/** The nodes of one widget: label, list, state of the line and buttons. It shows what it is told. */

import { icon, make } from './dom.js';
import { Items } from './items.js';
import { modeFor } from './modes.js';

/** @import { Item } from './window.js' */
/** @import { Strings } from './strings.js' */

const FLASH_MS = 2_500;

/**
 * @typedef {'pause'|'previous'|'next'|'dismiss'} Press what a button does
 *
 * @typedef {object} Frame what one drawing needs
 * @property {Item[]} items
 * @property {string|null} fresh id of an alert that has just come
 * @property {boolean} loaded whether a snapshot has come yet; until then the page's own children are shown
 * @property {boolean} paused
 * @property {boolean} moving
 * @property {{text: string, fresh: boolean}} note
 * @property {number} now by the server's clock, milliseconds
 */

export class View {
  /** @type {Strings} */ strings;
  /** @type {string} */ modeName;
  /** @type {HTMLElement} */ node;
  /** @type {Items} */ #items;
  /** @type {import('./modes.js').Mode} */ #mode;
  /** @type {HTMLElement} */ #note = make('span', 'note', { hidden: '' });
  /** @type {HTMLElement} */ #empty = make('div', 'empty', { hidden: '' });
  /** @type {HTMLSlotElement} */ #slot = make('slot');
  /** @type {HTMLButtonElement} */ #pause;
  #moving = false;
  /** What is turned over for a moment. @type {HTMLElement|null} */ #lit = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #dark;

  /**
   * @param {Strings} strings
   * @param {string|null} modeName
   * @param {string} channel
   * @param {Record<Press, () => void>} actions
   */
  constructor(strings, modeName, channel, actions) {
    this.strings = strings;
    this.#items = new Items(strings);
    const { name, mode } = modeFor(modeName, this.#items, channel);
    this.modeName = name;
    this.#mode = mode;
    this.#empty.textContent = strings.empty;
    this.#pause = this.#button('pause', actions.pause);
    const stage = make('div', 'stage', {}, this.#slot, this.#empty, mode.node);
    // What scrolls must be within reach of the keyboard.
    if (name === 'list' || name === 'toast') stage.tabIndex = 0;
    this.node = make(
      'section',
      'bar',
      { 'aria-label': strings.region, lang: strings.language },
      make('span', 'label', {}, strings.breaking),
      stage,
      this.#note,
      make('span', 'controls', {}, ...mode.controls.map((control) => (control === 'pause' ? this.#pause : this.#button(control, actions[control])))),
    );
    this.node.classList.add(name);
  }

  /** @param {Frame} frame */
  draw({ items, fresh, loaded, paused, moving, note, now }) {
    this.#slot.hidden = loaded;
    this.#empty.hidden = !loaded || items.length > 0;
    this.#items.render(items, now);
    this.node.hidden = this.#mode.show(items, fresh) === false;
    if (items.some(({ id, urgency }) => id === fresh && urgency === 1)) this.#flash(fresh);
    this.#label(this.#pause, paused ? 'play' : 'pause');
    this.#note.textContent = note.text;
    this.#note.hidden = !note.text;
    this.#note.classList.toggle('fresh', note.fresh);
    if (moving !== this.#moving) this.#mode.run?.(moving);
    this.#moving = moving;
  }

  /** @param {string|undefined} direction of the channel; without one the page's own holds */
  direct(direction) {
    if (direction === 'rtl' || direction === 'ltr') this.node.dir = direction;
  }

  /** @param {number} step */
  move(step) {
    this.#mode.move?.(step);
  }

  dismiss() {
    this.#mode.dismiss?.();
  }

  /** Leaves no timer. */
  stop() {
    this.#flash();
    this.#mode.run?.((this.#moving = false));
  }

  /** The whole bar turns over, or in a list the alert; without an id, back. @param {string|null} [id] */
  #flash(id) {
    clearTimeout(this.#dark);
    this.#lit?.classList.remove('flash');
    this.#lit = this.modeName === 'list' || !id ? this.#items.nodeOf(id ?? null) : this.node;
    this.#lit?.classList.add('flash');
    if (id) this.#dark = setTimeout(() => this.#flash(), FLASH_MS);
  }

  /**
   * @param {Press} name
   * @param {() => void} press
   */
  #button(name, press) {
    const button = make('button', name, { type: 'button', part: `button ${name}` });
    button.addEventListener('click', press);
    this.#label(button, name);
    return button;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {Press|'play'} name
   */
  #label(button, name) {
    const label = this.strings[name];
    if (button.title === label) return;
    button.title = label;
    button.setAttribute('aria-label', label);
    button.replaceChildren(icon(name));
  }
}
