/** The commands that could be meant, while one is typed: arrows choose, Tab and Enter take, Esc closes. */

import { suggested } from './commands.js';
import { make } from './dom.js';

/** @import { Known } from './commands.js' */
/** @import { Words } from './words.js' */

export class Offers {
  /** @type {ReturnType<typeof suggested>} */ #offers = [];
  #chosen = 0;
  /** @type {Words} */ #words;
  /** @type {HTMLTextAreaElement} */ #text;
  /** @type {() => Known} */ #known;
  /** @type {() => void} */ #completed;
  node = make('ul', { id: 'offers', class: 'offers', role: 'listbox', hidden: true });

  /** @param {Words} words @param {HTMLTextAreaElement} text where they are typed @param {() => Known} known @param {() => void} completed */
  constructor(words, text, known, completed) {
    this.#words = words;
    this.#text = text;
    this.#known = known;
    this.#completed = completed;
    this.node.setAttribute('aria-label', words.say('commands'));
    text.addEventListener('blur', () => this.#offer([]));
    text.addEventListener('click', () => this.suggest());
  }

  /** Looks at what stands before the cursor. */
  suggest() {
    const at = this.#text.selectionStart;
    this.#offer(this.#text.selectionEnd === at ? suggested(this.#text.value.slice(0, at), this.#known()) : []);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was meant for the list */
  pressed(event) {
    if (!this.#offers.length || event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#chosen = (this.#chosen + step + this.#offers.length) % this.#offers.length;
      this.#point();
    } else if (event.key === 'Tab' || event.key === 'Enter') this.#complete(this.#chosen);
    else if (event.key === 'Escape') this.#offer([]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** @param {ReturnType<typeof suggested>} offers */
  #offer(offers) {
    this.#offers = offers;
    this.#chosen = 0;
    this.node.hidden = offers.length === 0;
    const words = this.#words;
    this.node.replaceChildren(...offers.map(({ name, what, value }, place) => make('li', { id: `offer-${place}`, role: 'option', 'aria-selected': String(place === 0), onmousedown: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#complete(place);
    } }, make('code', { dir: 'ltr' }, `/${name}`), make('span', {}, words.say(`command.${what}.what`, { value: value ?? '' })))));
    this.#point();
  }

  #point() {
    for (const [place, option] of [...this.node.children].entries()) option.setAttribute('aria-selected', String(place === this.#chosen));
    this.node.children[this.#chosen]?.scrollIntoView({ block: 'nearest' });
    if (this.#offers.length) this.#text.setAttribute('aria-activedescendant', `offer-${this.#chosen}`);
    else this.#text.removeAttribute('aria-activedescendant');
  }

  /** @param {number} place */
  #complete(place) {
    const { name } = this.#offers[place];
    const at = this.#text.selectionStart;
    const before = this.#text.value.slice(0, at).replace(/\/[a-z0-9:-]*$/i, `/${name}${name.endsWith(':') ? '' : ' '}`);
    this.#text.value = before + this.#text.value.slice(at);
    this.#text.setSelectionRange(before.length, before.length);
    this.#completed();
    this.suggest();
  }
}
