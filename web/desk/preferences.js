/** What somebody likes at this machine: a language, light or dark. Nothing of it is about alerts or keys. */

import { languageOf } from './words.js';

const NAME = 'ticker-desk-preferences';

export class Preferences {
  /** @type {{language: string|null, theme: string, known: boolean}} */ #held;
  /** Called when the page has to be dressed anew. @type {() => void} */ onchange = () => {};

  /** @param {Storage} storage */
  constructor(storage = localStorage) {
    this.storage = storage;
    this.#held = { language: null, theme: 'auto', known: false };
    try {
      Object.assign(this.#held, JSON.parse(storage.getItem(NAME) ?? '{}'));
    } catch {
      // A browser that keeps nothing, or something else under this name, has no preferences.
    }
  }

  get language() {
    return languageOf(this.#held.language, navigator.languages);
  }

  get theme() {
    return ['light', 'dark'].includes(this.#held.theme) ? this.#held.theme : 'auto';
  }

  /** Whether somebody has logged in here before: else there is no session to ask for. */
  get known() {
    return this.#held.known;
  }

  /** @param {Partial<{language: string, theme: string, known: boolean}>} change */
  change(change) {
    Object.assign(this.#held, change);
    try {
      this.storage.setItem(NAME, JSON.stringify(this.#held));
    } catch {
      // It holds for as long as the page stands, then.
    }
    this.dress();
    if ('language' in change) this.onchange();
  }

  /** Tells the page. */
  dress() {
    document.documentElement.dataset.theme = this.theme;
    document.documentElement.lang = this.language;
    document.documentElement.dir = this.language === 'ar' ? 'rtl' : 'ltr';
  }
}
