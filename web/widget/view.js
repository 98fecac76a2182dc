/** The nodes of one widget: label, list, state of the line and buttons. It shows what it is told. */

import { icon, make } from './dom.js';
import { DIRECTION, Items } from './items.js';
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
 * @property {string} [direction] of the channel
 * @property {number} now by the server's clock, milliseconds
 */

export class View {
  /** @type {Strings} */ strings;
  /** @type {string} */ modeName;
  /** @type {HTMLElement} */ node;
  /** @type {Items} */ #items;
  /** @type {import('./modes.js').Mode} */ mode;
  /** @type {HTMLElement} */ #note = make('span', 'note', { hidden: '' });
  /** @type {HTMLElement} */ #empty = make('div', 'empty', { hidden: '' });
  /** @type {HTMLSlotElement} */ #slot = make('slot');
  /** @type {HTMLButtonElement|undefined} */ #pause;
  #moving = false;
  /** What is turned over for a moment. @type {HTMLElement|null} */ #lit = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #dark;

  /**
   * @param {Strings} strings
   * @param {string|null} modeName
   * @param {string} channel
   * @param {(name: Press) => void} press
   */
  constructor(strings, modeName, channel, press) {
    this.strings = strings;
    this.#items = new Items(strings);
    const [name, mode] = modeFor(modeName, this.#items, channel);
    this.modeName = name;
    this.mode = mode;
    this.#empty.textContent = strings.empty;
    const stage = make('div', 'stage', {}, this.#slot, this.#empty, mode.node);
    // What scrolls must be within reach of the keyboard.
    if (mode.tall) stage.tabIndex = 0;
    this.node = make(
      'section',
      'bar',
      { 'aria-label': strings.region, lang: strings.language },
      make('span', 'label', {}, strings.breaking),
      stage,
      this.#note,
      make('span', 'controls', {}, ...mode.controls.map((control) => this.#button(control, press))),
    );
    this.node.classList.add(name, mode.tall ? 'tall' : 'flat');
  }

  /** @param {Frame} frame */
  draw({ items, fresh, loaded, paused, moving, note, now, direction = '' }) {
    this.#slot.hidden = loaded;
    this.#empty.hidden = !loaded || items.length > 0;
    this.#items.render(items, now);
    this.node.hidden = Boolean(this.mode.show(items, fresh));
    if (items.some(({ id, urgency }) => id === fresh && urgency === 1)) this.#flash(fresh);
    this.#label(this.#pause, paused ? 'play' : 'pause');
    this.#note.textContent = note.text;
    this.#note.hidden = !note.text;
    this.#note.classList.toggle('fresh', note.fresh);
    // Without one the page's own holds.
    if (DIRECTION.test(direction)) this.node.dir = direction;
    if (moving !== this.#moving) this.mode.run?.(moving);
    this.#moving = moving;
  }

  /** Leaves no timer. */
  stop() {
    this.#flash();
    this.mode.run?.((this.#moving = false));
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
   * @param {(name: Press) => void} press
   */
  #button(name, press) {
    const button = make('button', name, { type: 'button', part: `button ${name}` });
    button.addEventListener('click', () => press(name));
    this.#label(button, name);
    if (name === 'pause') this.#pause = button;
    return button;
  }

  /**
   * @param {HTMLButtonElement|undefined} button
   * @param {Press|'play'} name
   */
  #label(button, name) {
    const label = this.strings[name];
    if (!button || button.title === label) return;
    button.title = label;
    button.setAttribute('aria-label', label);
    button.replaceChildren(icon(name));
  }
}
