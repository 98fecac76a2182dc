/** What a draft says beside its text, a chip for each: read at a glance, and taken back with one press. */

import { icon, make } from './dom.js';

/** @import { Draft } from './draft.js' */
/** @import { Words } from './words.js' */

/** @typedef {{kind: string, text: string, back: Partial<Draft>}} Chip `back` is the change that takes it away */

const LISTS = ['sections', 'regions', 'tags'];
const MOMENTS = ['publish_at', 'embargoed', 'expires'];

export class Chips {
  /** @type {Words} */ #words;
  /** @type {(change: Partial<Draft>) => void} */ #changed;
  #drawn = '';
  node = make('ul', { class: 'chips', role: 'list' });

  /** @param {Words} words @param {(change: Partial<Draft>) => void} changed */
  constructor(words, changed) {
    this.#words = words;
    this.#changed = changed;
  }

  /** @param {Draft} draft @param {string|null} attribution as it was split off @param {any} rules @param {number} now */
  draw(draft, attribution, rules, now) {
    const chips = this.#of(draft, attribution, rules, now);
    const drawn = JSON.stringify(chips);
    if (this.#drawn === drawn) return;
    this.#drawn = drawn;
    const words = this.#words;
    this.node.replaceChildren(...chips.map(({ kind, text, back }) => make('li', { class: `chip ${kind}` }, make('span', { dir: 'auto' }, text),
      make('button', { type: 'button', 'aria-label': words.say('chip.off', { what: text }), title: words.say('chip.off', { what: text }), onclick: () => this.#changed(back) }, icon('close')))));
  }

  /** @param {Draft} draft @param {string|null} attribution @param {any} rules @param {number} now @returns {Chip[]} */
  #of(draft, attribution, rules, now) {
    const words = this.#words;
    /** @type {Chip[]} */ const chips = [];
    const add = (/** @type {string} */ kind, /** @type {string} */ text, /** @type {Partial<Draft>} */ back) => chips.push({ kind, text, back });
    if (attribution) add('attribution', words.say('chip.attribution', { what: attribution }), { whole: true });
    if (draft.urgency !== 5) add(draft.urgency === 1 ? 'flash' : 'urgency', words.urgency(draft.urgency, rules), { urgency: 5 });
    for (const name of LISTS) {
      for (const value of draft[name]) {
        const label = words.has(`name.${value}`) ? words.say(`name.${value}`) : value;
        add(name, name === 'tags' ? `#${value}` : label, { [name]: draft[name].filter((/** @type {string} */ other) => other !== value) });
      }
    }
    for (const name of MOMENTS) {
      const before = draft.base?.[name] ? Date.parse(draft.base[name]) : null;
      if (draft[name] !== null && draft[name] !== before) add('moment', words.say(`chip.${name}`, { at: words.time(draft[name], now) }), { [name]: before });
    }
    if (draft.pin) add('pin', words.say('chip.pin'), { pin: false });
    if (draft.live) add('live', words.say('field.live'), { live: false });
    if (draft.developing) add('developing', words.say('field.developing'), { developing: false });
    if (!draft.push) add('web', words.say('chip.web'), { push: true });
    if (draft.sound) add('sound', words.say('field.sound'), { sound: false });
    if (draft.story) add('story', words.say('chip.story', { what: draft.story }), { story: '' });
    if (draft.link) add('link', words.say('chip.link'), { link: '' });
    if (draft.located) add('located', draft.located, { located: '' });
    const language = draft.base?.language ?? '';
    if (draft.language && draft.language !== (language || rules.language)) add('language', this.#spoken(draft.language), { language });
    if (draft.replaces) add('replaces', words.say('chip.replaces'), { replaces: '' });
    if (draft.bump) add('bump', words.say('chip.bump'), { bump: false });
    if (!attribution && draft.whole) add('whole', words.say('chip.whole'), { whole: false });
    return chips;
  }

  /** @param {string} language half of a tag, maybe, while it is typed */
  #spoken(language) {
    try {
      return this.#words.spoken.of(language) ?? language;
    } catch {
      return language;
    }
  }
}
