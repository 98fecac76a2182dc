/** What was sent last, and how far it has come: filling in while one looks. */

import { total } from './audience.js';
import { icon, make, tell, told } from './dom.js';
import { countdown } from './moments.js';
import { counted, spread } from './rows.js';

/** @import { Words } from './words.js' */

export class Sent {
  /** @type {any} */ #item = null;
  /** The version that was sent. */ #since = 1;
  /** @type {Words} */ #words;
  #title = make('h2', { id: 'sent-title' });
  #line = make('p', { class: 'line' });
  #bar = make('div', { class: 'meter', role: 'img' }, make('span'));
  #reach = make('p', { class: 'spread' });
  #push = make('p', { class: 'push' });
  #undo;

  /** @param {Words} words @param {(item: any) => void} undo */
  constructor(words, undo) {
    this.#words = words;
    this.#undo = make('button', { type: 'button', class: 'small undo', onclick: () => undo(this.#item) }, words.say('act.undoPush'));
    this.node = make('section', { class: 'card sent', 'aria-labelledby': 'sent-title', hidden: true },
      make('header', {}, this.#title, make('button', { type: 'button', class: 'icon-button', 'aria-label': words.say('close'), title: words.say('close'), onclick: () => this.clear() }, icon('close'))),
      this.#line, this.#bar, this.#reach, make('div', { class: 'phones' }, this.#push, this.#undo));
  }

  get id() {
    return this.#item?.id ?? '';
  }

  /** @param {any} item @param {string} kind @param {any} rules */
  show(item, kind, rules) {
    const words = this.#words;
    this.#item = item;
    this.#since = item.version;
    this.node.hidden = false;
    const at = words.hour.format(Date.parse(item.versioncreated));
    tell(this.#title, words.say(item.state === 'published' ? `sent.${kind}` : `sent.${item.state}`, { at, n: item.version }));
    this.#line.replaceChildren(told(item));
    this.#line.dir = item.direction ?? rules.direction;
    this.node.classList.toggle('on-air', item.state === 'published');
    tell(this.#reach, '');
    this.#bar.hidden = item.state !== 'published';
    this.tick(null, [], Date.parse(item.versioncreated));
  }

  /** The same item in a newer version, by an act. @param {any} item */
  changed(item) {
    if (item.id !== this.id) return;
    if (item.state !== 'published') this.clear();
    else this.#item = { ...this.#item, version: item.version, push_at: item.push_at, push: item.push };
  }

  clear() {
    this.#item = null;
    this.node.hidden = true;
  }

  /** @param {any} reach @param {any[]} pushes what became of them @param {number} now */
  tick(reach, pushes, now) {
    const item = this.#item;
    if (!item || this.node.hidden) return;
    const words = this.#words;
    const current = reach && reach.version >= item.version ? reach : null;
    if (item.state === 'published') {
      tell(this.#reach, current ? spread(words, current) : words.say('reach.counting'));
      const part = current?.readers ? Math.min(1, current.reached / current.readers) : 0;
      /** @type {HTMLElement} */ (this.#bar.firstElementChild).style.inlineSize = `${(part * 100).toFixed(1)}%`;
      this.#bar.setAttribute('aria-label', this.#reach.textContent ?? '');
    }
    const left = item.push_at ? Date.parse(item.push_at) - now : 0;
    this.#undo.hidden = left <= 0;
    const push = item.state !== 'published' ? '' : left > 0 ? words.say('push.leaves', { in: words.digits(countdown(left)) }) : this.#phones(item, pushes);
    tell(this.#push, push);
  }

  /** @param {any} item @param {any[]} pushes */
  #phones(item, pushes) {
    if (item.push?.enabled === false) return this.#words.say('push.none');
    const counts = total(pushes, this.#since);
    if (counts.length) return this.#words.say('push.phones', { counts: counted(this.#words, counts) });
    return this.#words.say(item.push_at ? 'push.left' : 'push.none');
  }
}
