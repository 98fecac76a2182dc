/** Where the alert is written: the cursor stands here when the page comes up. It shows a draft and tells of changes. */

import { joined } from './attribution.js';
import { Chips } from './chips.js';
import { taken } from './commands.js';
import { icon, keys, make, MOD, tell } from './dom.js';
import { blank, changed, empty, obstacles, pushed, said } from './draft.js';
import { actOf } from './confirmation.js';
import { Fields } from './fields.js';
import { bytes, characters } from './measure.js';
import { Offers } from './offers.js';

/** @import { Draft } from './draft.js' */
/** @import { Known } from './commands.js' */
/** @import { Words } from './words.js' */

/**
 * @typedef {object} Actions
 * @property {(draft: Draft) => void} changed
 * @property {(channel: string) => void} moved the draft goes to another channel
 * @property {() => void} review
 * @property {() => void} left a change is given up, or a new alert is thrown away
 * @property {() => Known} known
 */

export class Composer {
  /** @type {Draft} */ draft = blank();
  /** @type {Words} */ #words;
  /** @type {Actions} */ #actions;
  /** @type {any} */ #rules = null;
  /** @type {any} */ #limits = null;
  /** @type {number[]} */ #warn = [];
  /** @type {Fields} */ #fields;
  /** @type {Offers} */ #offers;
  /** @type {Chips} */ #chips;
  #locked = false;
  #title = make('h2', { id: 'composer-title' });
  #where = make('span', { class: 'where' });
  #banner = make('div', { class: 'banner', role: 'status' });
  #text = make('textarea', { id: 'text', rows: 3, autocomplete: 'off', autocapitalize: 'sentences', 'aria-describedby': 'meters obstacle', 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', 'aria-controls': 'offers' });
  #count = make('span', { class: 'count' });
  #push = make('span', { class: 'push' });
  #caution = make('span', { class: 'caution' });
  #saved = make('span', { class: 'saved' });
  #noteField = make('div', { class: 'field note', hidden: true });
  #note = make('input', { id: 'note', type: 'text', autocomplete: 'off', dir: 'auto' });
  #obstacle = make('p', { id: 'obstacle', class: 'obstacle', role: 'alert' });
  #send = make('button', { type: 'submit', class: 'primary send' });
  #act = make('span', { class: 'act' });
  #whom = make('span', { class: 'whom' });
  #leave = make('button', { type: 'button', class: 'secondary' });

  /**
   * @param {Words} words
   * @param {Actions} actions
   */
  constructor(words, actions) {
    this.#words = words;
    this.#actions = actions;
    this.#fields = new Fields(words, (change) => this.#set({ ...this.draft, ...change }));
    this.#offers = new Offers(words, this.#text, actions.known, () => this.#take(false));
    this.#chips = new Chips(words, (change) => {
      this.#set({ ...this.draft, ...change });
      this.focus();
    });
    this.#noteField.append(make('label', { for: 'note' }, words.say('field.note')), this.#note);
    this.#send.append(make('span', { class: 'does' }, this.#act, this.#whom), keys(MOD, '↵'));
    this.#leave.addEventListener('click', () => this.#actions.left());
    this.node = make(
      'form',
      { class: 'card composer', 'aria-labelledby': 'composer-title', novalidate: true, onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.review();
      } },
      make('header', {}, this.#title, this.#where),
      this.#banner,
      make('div', { class: 'writing' }, make('label', { for: 'text', class: 'unseen' }, words.say('text')), this.#text, this.#offers.node),
      make('div', { class: 'meters', id: 'meters' }, this.#count, this.#push, this.#caution, this.#saved),
      this.#chips.node,
      this.#noteField,
      this.#obstacle,
      make('footer', {}, this.#send, this.#leave),
      this.#fields.node,
    );
    this.#text.addEventListener('input', () => this.#typed());
    this.#text.addEventListener('keydown', (event) => this.#pressed(event));
    this.#note.addEventListener('input', () => this.#set({ ...this.draft, note: this.#note.value }));
    this.node.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        // One press, one question: a key that is held down asks nothing.
        if (!event.repeat) this.review();
      } else if (event.key === 'Enter' && event.target instanceof HTMLInputElement) event.preventDefault();
    });
  }

  focus() {
    this.#text.focus();
  }

  /** @param {string} field */
  focusOn(field) {
    if (field === 'headline') this.#text.focus();
    else if (field === 'note') this.#note.focus();
    else this.#fields.focus(field);
  }

  /** @param {any} rules of the channel @param {any} limits @param {number[]} warn */
  dress(rules, limits, warn) {
    this.#rules = rules;
    this.#limits = limits;
    this.#warn = [...warn].sort((a, b) => b - a);
    this.#note.lang = rules.language;
    this.#note.maxLength = limits.note;
    this.#fields.dress(rules);
  }

  /** @param {Draft} draft */
  load(draft) {
    this.draft = draft;
    this.#text.value = draft.text;
    this.#note.value = draft.note;
    tell(this.#obstacle, '');
    this.#draw();
  }

  /** Nothing can be changed while it is on its way. @param {boolean} locked */
  lock(locked) {
    this.#locked = locked;
    this.#text.readOnly = this.#note.readOnly = locked;
    this.#send.disabled = locked;
    this.node.classList.toggle('locked', locked);
  }

  /** @param {string} word that the draft is kept, or is not */
  saved(word) {
    tell(this.#saved, word);
  }

  /** @param {string} sentence who else has this open, or that it has changed meanwhile @param {{label: string, do: () => void}} [action] */
  warn(sentence, action) {
    const said = `${sentence}${action?.label ?? ''}`;
    if (this.#banner.dataset.said === said) return;
    this.#banner.dataset.said = said;
    this.#banner.replaceChildren(...(sentence ? [icon('warn'), make('p', { dir: 'auto' }, sentence)] : []));
    if (action) this.#banner.append(make('button', { type: 'button', class: 'small', onclick: action.do }, action.label));
  }

  /** To whom it goes. @param {string} whom */
  whom(whom) {
    tell(this.#whom, whom);
  }

  /** The commands that still stand in the text are done; what keeps it from being sent is said. */
  review() {
    if (this.#locked) return;
    this.#take(true);
    const known = this.#actions.known();
    const { faults } = taken(this.#text.value, known, true);
    if (faults.length) {
      const [{ token, reason, known: values }] = faults;
      tell(this.#obstacle, this.#words.say(`command.${reason}`, { token, known: values.slice(0, 8).join(', ') || '…' }));
      this.focus();
      return;
    }
    const [first] = obstacles(this.draft, this.#limits, known.now);
    if (first) {
      tell(this.#obstacle, this.#words.say(`cannot.${first.what}`, { n: first.n ?? 0 }));
      this.focusOn(first.field);
      return;
    }
    tell(this.#obstacle, '');
    this.#actions.review();
  }

  #typed() {
    // A headline is one line, wherever it was copied from.
    if (/[\r\n\t]/.test(this.#text.value)) {
      const at = this.#text.selectionStart;
      this.#text.value = this.#text.value.replace(/\s*[\r\n\t]+\s*/g, ' ');
      this.#text.setSelectionRange(at, at);
    }
    tell(this.#obstacle, '');
    this.#take(false);
    this.#offers.suggest();
  }

  /** Takes the commands out of the text. @param {boolean} whole */
  #take(whole) {
    const before = this.#text.value;
    const { text, changes } = taken(before, this.#actions.known(), whole);
    if (text !== before) {
      const at = Math.max(0, this.#text.selectionStart - (before.length - text.length));
      this.#text.value = text;
      this.#text.setSelectionRange(at, at);
    }
    this.#set(changed({ ...this.draft, text }, changes));
    const channel = changes.findLast(({ field }) => field === 'channel')?.value;
    if (channel && channel !== this.#rules.name) this.#actions.moved(channel);
  }

  /** @param {Draft} draft */
  #set(draft) {
    if (this.#locked) return;
    this.draft = draft;
    this.#draw();
    this.#actions.changed(draft);
  }

  #draw() {
    const [words, draft, rules] = [this.#words, this.draft, this.#rules];
    const { attribution, headline } = said(draft);
    const whole = joined({ attribution, headline });
    const shown = characters(whole);
    tell(this.#title, draft.kind === 'new' ? words.say('new') : words.say(`title.${draft.kind}`, { n: draft.base.version }));
    tell(this.#where, `${rules.title} · ${rules.name}`);
    this.#text.dir = draft.direction || rules.direction;
    this.#text.lang = draft.language || rules.language;
    this.#text.placeholder = words.say('placeholder');
    tell(this.#count, words.say('count', { n: shown }));
    tell(this.#push, words.say('count.push', { n: bytes(pushed(draft)) }));
    const length = characters(headline);
    const beyond = this.#warn.find((limit) => length > limit);
    tell(this.#caution, beyond ? words.say(beyond >= 120 ? 'caution.cut' : 'caution.long') : '');
    this.#caution.classList.toggle('strong', Boolean(beyond && beyond >= 120));
    this.#noteField.hidden = draft.kind !== 'correction';
    if (this.#note.value !== draft.note) this.#note.value = draft.note;
    tell(this.#act, words.say(actOf(draft, rules)));
    this.#send.classList.toggle('flash', draft.kind === 'new' && draft.urgency === 1);
    this.#leave.hidden = empty(draft) && JSON.stringify(draft) === JSON.stringify({ ...blank(), text: draft.text });
    this.#leave.replaceChildren(words.say(draft.kind === 'new' ? 'discard' : 'leave'), ...(draft.kind === 'new' ? [] : [keys('Esc')]));
    this.#fields.show(draft);
    this.#chips.draw(draft, attribution, rules, this.#actions.known().now);
    this.node.classList.toggle('changing', draft.kind !== 'new');
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing || this.#offers.pressed(event)) return;
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && !event.altKey) event.preventDefault();
  }
}
