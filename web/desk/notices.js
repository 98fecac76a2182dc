/** Short sentences about what has happened: said aloud, shown for a while; what needs an answer stays. */

import { icon, make } from './dom.js';

/** @import { Words } from './words.js' */

const LONG_MS = 8_000;
const MOST = 3;

/**
 * @typedef {object} Notice
 * @property {string} text
 * @property {'good'|'bad'|'plain'} [kind]
 * @property {{label: string, do: () => void}[]} [actions]
 * @property {boolean} [stays]
 */

export class Notices {
  node = make('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
  /** @type {Words} */ #words;

  /** @param {Words} words */
  constructor(words) {
    this.#words = words;
  }

  /** @param {Notice} notice */
  say({ text, kind = 'plain', actions = [], stays = false }) {
    const gone = () => {
      clearTimeout(timer);
      node.remove();
    };
    const node = make(
      'div',
      { class: `notice ${kind}` },
      kind === 'plain' ? null : icon(kind === 'good' ? 'check' : 'warn'),
      make('p', { dir: 'auto' }, text),
      ...actions.map((action) => make('button', { type: 'button', class: 'small', onclick: () => {
        gone();
        action.do();
      } }, action.label)),
      make('button', { type: 'button', class: 'icon-button', 'aria-label': this.#words.say('close'), title: this.#words.say('close'), onclick: gone }, icon('close')),
    );
    const timer = stays ? undefined : setTimeout(gone, LONG_MS);
    this.node.append(node);
    while (this.node.children.length > MOST) this.node.firstElementChild?.remove();
    return gone;
  }
}
