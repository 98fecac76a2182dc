/** Everything of an alert that is not its text: each field can be typed as a command, or set here. */

import { icon, make } from './dom.js';
import { fromLocal, local } from './moments.js';

/** @import { Draft } from './draft.js' */
/** @import { Words } from './words.js' */

const TEXTS = ['story', 'link', 'located', 'push_headline', 'ednote', 'language'];
/** Written from left to right in every language. */
const CODES = new Set(['story', 'link', 'language']);
const PLAIN = ['located', 'tags', 'story', 'language'];
const MOMENTS = ['publish_at', 'embargoed', 'expires'];
const FLAGS = ['push', 'sound', 'live', 'developing', 'pin', 'bump'];
/** What can only be said of a new item, or of one that waits. */
const PLANS = new Set(['publish_at', 'embargoed']);

export class Fields {
  /** @type {Map<string, HTMLInputElement|HTMLSelectElement>} */ #inputs = new Map();
  /** @type {Map<string, HTMLElement>} */ #boxes = new Map();
  #summary = make('summary');
  #urgency = make('fieldset', { class: 'segments' });
  #sections = make('fieldset', { class: 'checks' });
  #regions = make('fieldset', { class: 'checks' });
  /** @type {Words} */ #words;
  /** @type {(change: Partial<Draft>) => void} */ #changed;
  /** @type {any} */ #rules = null;

  /**
   * @param {Words} words
   * @param {(change: Partial<Draft>) => void} changed
   */
  constructor(words, changed) {
    this.#words = words;
    this.#changed = changed;
    this.#summary.append(icon('more'), words.say('fields'));
    this.node = make(
      'details',
      { class: 'fields' },
      this.#summary,
      make('div', { class: 'inside' },
        this.#urgency,
        make('div', { class: 'flags' }, ...FLAGS.map((name) => this.#flag(name))),
        this.#sections,
        this.#regions,
        make('div', { class: 'pairs' }, ...MOMENTS.map((name) => this.#moment(name)), ...PLAIN.map((name) => this.#text(name)), this.#direction()),
        this.#text('link'),
        this.#text('push_headline'),
        this.#text('ednote')),
    );
  }

  /** @param {any} rules of the channel */
  dress(rules) {
    this.#rules = rules;
    const words = this.#words;
    const urgencies = [...new Set([...Object.keys(rules.labels).map(Number), 5])].sort((a, b) => a - b);
    this.#urgency.replaceChildren(make('legend', {}, words.say('field.urgency')), ...urgencies.map((urgency) => make('label', {},
      make('input', { type: 'radio', name: 'urgency', value: urgency, onchange: () => this.#changed({ urgency }) }), make('span', {}, words.urgency(urgency, rules)))));
    this.#list(this.#sections, 'sections', 3);
    this.#list(this.#regions, 'regions', 5);
  }

  /** @param {Draft} draft */
  show(draft) {
    for (const [name, input] of this.#inputs) {
      const box = this.#boxes.get(name);
      if (box) box.hidden = this.#absent(name, draft);
      if (input instanceof HTMLInputElement && input.type === 'checkbox') input.checked = Boolean(draft[name]);
      else if (input !== document.activeElement) input.value = MOMENTS.includes(name) ? local(draft[name]) : name === 'tags' ? draft.tags.join(', ') : draft[name];
      if (TEXTS.includes(name) || name === 'tags') input.dir = CODES.has(name) ? 'ltr' : 'auto';
    }
    const own = /** @type {HTMLInputElement} */ (this.#inputs.get('language'));
    own.placeholder = draft.base?.language ?? this.#rules.language;
    for (const radio of this.#urgency.querySelectorAll('input')) radio.checked = Number(radio.value) === draft.urgency;
    for (const [field, name] of /** @type {[HTMLFieldSetElement, 'sections'|'regions'][]} */ ([[this.#sections, 'sections'], [this.#regions, 'regions']])) {
      for (const box of field.querySelectorAll('input')) box.checked = draft[name].includes(box.value);
    }
  }

  /** @param {string} field opens, and the cursor stands in it */
  focus(field) {
    this.node.open = true;
    this.#inputs.get(field)?.focus();
  }

  /** @param {string} name @param {Draft} draft */
  #absent(name, draft) {
    if (name === 'bump') return draft.kind !== 'update' || draft.base?.state !== 'published';
    if (name === 'pin') return draft.kind !== 'new' || draft.publish_at !== null || draft.embargoed !== null;
    if (PLANS.has(name)) return draft.kind !== 'new' && !['scheduled', 'pending'].includes(draft.base?.state);
    return false;
  }

  /** @param {HTMLFieldSetElement} field @param {'sections'|'regions'} name @param {number} most */
  #list(field, name, most) {
    const words = this.#words;
    field.hidden = this.#rules[name].length === 0;
    field.replaceChildren(make('legend', {}, words.say(`field.${name}`, { n: most })), ...this.#rules[name].map((/** @type {string} */ value) => make('label', {},
      make('input', { type: 'checkbox', value, onchange: () => this.#changed({ [name]: [...field.querySelectorAll('input')].filter((box) => box.checked).map((box) => box.value) }) }),
      make('span', {}, words.has(`name.${value}`) ? words.say(`name.${value}`) : value))));
  }

  /** @param {string} name */
  #flag(name) {
    const input = make('input', { type: 'checkbox', onchange: () => this.#changed({ [name]: input.checked }) });
    return this.#put(name, input, make('label', {}, input, make('span', {}, this.#words.say(`field.${name}`))));
  }

  /** @param {string} name */
  #moment(name) {
    const input = make('input', { type: 'datetime-local', id: `field-${name}`, onchange: () => this.#changed({ [name]: fromLocal(input.value) }) });
    return this.#put(name, input, make('div', { class: 'field' }, make('label', { for: `field-${name}` }, this.#words.say(`field.${name}`)), input));
  }

  /** @param {string} name */
  #text(name) {
    const read = () => (name === 'tags' ? input.value.split(',').map((tag) => tag.trim()).filter(Boolean) : input.value);
    const input = make('input', { type: name === 'link' ? 'url' : 'text', id: `field-${name}`, autocomplete: 'off', oninput: () => this.#changed({ [name]: read() }) });
    return this.#put(name, input, make('div', { class: 'field' }, make('label', { for: `field-${name}` }, this.#words.say(`field.${name}`)), input));
  }

  #direction() {
    const words = this.#words;
    const input = make('select', { id: 'field-direction', onchange: () => this.#changed({ direction: input.value }) },
      ...['', 'ltr', 'rtl'].map((value) => make('option', { value }, words.say(`direction.${value || 'channel'}`))));
    return this.#put('direction', input, make('div', { class: 'field' }, make('label', { for: 'field-direction' }, words.say('field.direction')), input));
  }

  /** @param {string} name @param {HTMLInputElement|HTMLSelectElement} input @param {HTMLElement} box */
  #put(name, input, box) {
    this.#inputs.set(name, input);
    this.#boxes.set(name, box);
    return box;
  }
}
