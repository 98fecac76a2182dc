/** A question in front of everything else: the browser's own `<dialog>`, which keeps the focus inside. */

import { icon, keys, make, told } from './dom.js';

/** @import { Confirmation } from './confirmation.js' */
/** @import { Words } from './words.js' */

let last = 0;

/**
 * An open dialog with a title and a way out. It leaves the document when it is closed.
 * @param {string} name its class
 * @param {string} title
 * @param {Words} words
 * @param {...(Node|string|null|false)} children
 */
export function open(name, title, words, ...children) {
  const id = `dialog-${++last}`;
  const close = make('button', { type: 'button', class: 'icon-button', 'aria-label': words.say('close'), title: words.say('close'), onclick: () => dialog.close() }, icon('close'));
  const dialog = make('dialog', { class: name, 'aria-labelledby': id }, make('header', {}, make('h2', { id }, title), close), ...children);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks before an act: Enter confirms, Esc goes back.
 * @param {Confirmation} confirmation
 * @param {Words} words
 * @param {(confirm: Confirm) => void} [begun] called when it stands, with what can still be told
 * @returns {Promise<boolean>}
 */
export function confirm(confirmation, words, begun = () => {}) {
  return new Promise((resolve) => new Confirm(confirmation, words, resolve, begun));
}

export class Confirm {
  #answered = false;
  /** @type {HTMLUListElement} */ #warnings;
  /** @type {HTMLButtonElement} */ #yes;

  /**
   * @param {Confirmation} confirmation
   * @param {Words} words
   * @param {(yes: boolean) => void} resolve
   * @param {(confirm: Confirm) => void} begun
   */
  constructor({ title, text, facts, warnings, button, danger = false }, words, resolve, begun) {
    this.#yes = make('button', { type: 'button', class: danger ? 'danger' : 'primary', onclick: (/** @type {MouseEvent} */ event) => this.#say(event) }, make('span', {}, button), keys('Enter'));
    this.#warnings = make('ul', { class: 'warnings', role: 'list' });
    const no = make('button', { type: 'button', class: 'secondary', onclick: () => dialog.close() }, make('span', {}, words.say('back')), keys('Esc'));
    const dialog = open(
      `confirm${danger ? ' dangerous' : ''}`,
      title,
      words,
      make('p', { class: 'quoted', dir: text.direction }, told(text)),
      facts.length > 0 && make('dl', { class: 'facts' }, ...facts.map(([term, what]) => make('div', {}, make('dt', {}, term), make('dd', { dir: 'auto' }, what)))),
      this.#warnings,
      make('footer', {}, no, this.#yes),
    );
    for (const warning of warnings) this.warn(warning);
    this.resolve = resolve;
    this.dialog = dialog;
    dialog.addEventListener('close', () => this.#end(false));
    // A key that is still held down from before has not confirmed anything.
    dialog.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target !== this.#yes) return;
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) event.preventDefault();
    });
    this.#yes.focus();
    begun(this);
  }

  /** One more thing that speaks against it. @param {string} sentence */
  warn(sentence) {
    this.#warnings.append(make('li', {}, icon('warn'), make('span', { dir: 'auto' }, sentence)));
  }

  /** The button says what it does now. @param {string} label */
  label(label) {
    const said = this.#yes.firstElementChild;
    if (said) said.textContent = label;
  }

  /** It cannot be done at all. @param {string} sentence */
  refuse(sentence) {
    this.warn(sentence);
    this.#yes.disabled = true;
  }

  /** @param {MouseEvent} event */
  #say(event) {
    event.preventDefault();
    this.#end(true);
    this.dialog.close();
  }

  /** @param {boolean} yes */
  #end(yes) {
    if (this.#answered) return;
    this.#answered = true;
    this.resolve(yes);
  }
}

/**
 * Asks for the reason of an act that is public: retraction.
 * @param {{title: string, text: any, intro: string, label: string, hint: string, button: string, most: number}} question
 * @param {Words} words
 * @returns {Promise<string|null>}
 */
export function reason({ title, text, intro, label, hint, button, most }, words) {
  return new Promise((resolve) => {
    let said = /** @type {string|null} */ (null);
    const field = make('input', { id: 'reason', type: 'text', autocomplete: 'off', maxlength: most, dir: 'auto', required: true, 'aria-describedby': 'reason-hint' });
    const yes = make('button', { type: 'submit', class: 'danger', disabled: true }, make('span', {}, button), keys('Enter'));
    const form = make('form', {
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        said = field.value.trim() || null;
        if (said) dialog.close();
      },
    },
    make('label', { for: 'reason' }, label), field, make('p', { id: 'reason-hint', class: 'hint' }, hint),
    make('footer', {}, make('button', { type: 'button', class: 'secondary', onclick: () => dialog.close() }, make('span', {}, words.say('back')), keys('Esc')), yes));
    field.addEventListener('input', () => { yes.disabled = !field.value.trim(); });
    const dialog = open('confirm dangerous', title, words, make('p', { class: 'quoted', dir: text.direction }, told(text)), make('p', { class: 'intro' }, intro), form);
    dialog.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && event.repeat) event.preventDefault();
    });
    dialog.addEventListener('close', () => resolve(said));
    field.focus();
  });
}
