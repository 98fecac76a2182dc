/** Logging in: the key goes to the server once, which answers with a cookie that no script can read. */

import { Lost, send } from './api.js';
import { make, tell } from './dom.js';

/** @import { Words } from './words.js' */

export class Login {
  #key = make('input', { id: 'key', type: 'password', autocomplete: 'current-password', spellcheck: 'false', autocapitalize: 'off', required: true, 'aria-describedby': 'login-said' });
  #said = make('p', { id: 'login-said', class: 'said', role: 'alert' });
  #button;

  /**
   * @param {Words} words
   * @param {string} why it is needed; empty at first
   * @param {(session: any) => void} entered
   */
  constructor(words, why, entered) {
    this.#button = make('button', { type: 'submit', class: 'primary' }, words.say('login.do'));
    const form = make('form', { onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#enter(words, entered);
    } }, make('label', { for: 'key' }, words.say('login.key')), this.#key, this.#said, this.#button);
    this.node = make('main', { class: 'login' }, make('div', { class: 'card' }, make('h1', {}, words.say('login.title')), make('p', { class: 'intro' }, why || words.say('login.intro')), form, make('p', { class: 'hint' }, words.say('login.hint'))));
  }

  focus() {
    this.#key.focus();
  }

  /** @param {Words} words @param {(session: any) => void} entered */
  async #enter(words, entered) {
    if (this.#button.disabled) return;
    this.#button.disabled = true;
    tell(this.#said, '');
    try {
      const answer = await send({ method: 'POST', path: '/v1/session', body: { key: this.#key.value } });
      if (answer.ok) {
        // From here on it is nowhere on this page.
        this.#key.value = '';
        entered(answer.document);
        return;
      }
      tell(this.#said, words.say(answer.status === 401 ? 'login.wrong' : 'login.refused', { why: answer.document.detail }));
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      tell(this.#said, error.after ? words.say('login.later', { n: Math.ceil(error.after / 1000) }) : words.say('login.lost'));
    }
    this.#button.disabled = false;
    this.#key.select();
  }
}
