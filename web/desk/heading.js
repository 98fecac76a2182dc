/** The top of the desk: which channel, how many watch, who else is here, and, always in the same corner, the line. */

import { open } from './dialog.js';
import { icon, keys, make, MOD, tell } from './dom.js';
import { KEYS } from './permits.js';
import { LANGUAGES } from './words.js';

/** @import { Words } from './words.js' */

export class Heading {
  /** @type {Words} */ #words;
  /** @type {Map<string, HTMLButtonElement>} */ #channels = new Map();
  #word = make('span', { class: 'word' });
  #line = make('p', { class: 'status-line connecting', role: 'status' }, this.#word);
  #pending = make('p', { class: 'pending', role: 'status' });
  #readers = make('p', { class: 'readers' });
  #here = make('p', { class: 'colleagues', dir: 'auto' });

  /**
   * @param {Words} words
   * @param {any} session
   * @param {any} rules
   * @param {any} preferences
   * @param {{channel: (name: string) => void, audit: () => void, logout: () => void}} actions
   */
  constructor(words, session, rules, preferences, actions) {
    this.#words = words;
    for (const channel of rules.channels) {
      this.#channels.set(channel.name, make('button', { type: 'button', 'aria-pressed': 'false', onclick: () => actions.channel(channel.name) },
        make('bdi', { lang: channel.language }, channel.title), make('span', { class: 'code', dir: 'ltr' }, channel.name)));
    }
    const menu = make('details', { class: 'menu' },
      make('summary', { 'aria-label': words.say('menu.of', { who: session.key.name }), title: words.say('menu') }, icon('menu'), make('span', { class: 'name', dir: 'auto' }, session.key.name)),
      make('div', { class: 'inside' },
        make('button', { type: 'button', onclick: () => act(actions.audit) }, words.say('audit')),
        make('button', { type: 'button', onclick: () => act(() => this.help()) }, words.say('keys'), keys('?')),
        select(words, 'language', Object.keys(LANGUAGES).map((code) => [code, new Intl.DisplayNames(code, { type: 'language' }).of(code) ?? code]), words.language, (value) => preferences.change({ language: value })),
        select(words, 'theme', ['auto', 'light', 'dark'].map((name) => [name, words.say(`theme.${name}`)]), preferences.theme, (value) => preferences.change({ theme: value })),
        make('button', { type: 'button', onclick: () => act(actions.logout) }, words.say('logout'))));
    const act = (/** @type {() => void} */ run) => {
      menu.open = false;
      run();
    };
    menu.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      menu.open = false;
      menu.querySelector('summary')?.focus();
      event.preventDefault();
      event.stopPropagation();
    });
    document.addEventListener('click', (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    this.node = make('header', { class: 'heading' },
      make('p', { class: 'wordmark' }, mark(), words.say('desk')),
      make('nav', { class: 'channels', 'aria-label': words.say('channels') }, ...this.#channels.values()),
      make('div', { class: 'signals' }, this.#pending, this.#here, this.#readers, menu, this.#line));
  }

  /** @param {string} name of the channel that is open */
  at(name) {
    for (const [other, button] of this.#channels) button.setAttribute('aria-pressed', String(other === name));
  }

  /** @param {string} status */
  line(status) {
    tell(this.#word, this.#words.say(`line.${status}`));
    this.#line.className = `status-line ${status}`;
  }

  /** @param {string} sentence about an act that is on its way */
  pending(sentence) {
    tell(this.#pending, sentence);
  }

  /** @param {number} readers @param {boolean} fresh @param {any[]} editors */
  audience(readers, fresh, editors) {
    tell(this.#readers, fresh ? this.#words.say('screens', { n: readers }) : this.#words.say('screens.unknown'));
    const names = [...new Set(editors.map((editor) => editor.key.name))];
    tell(this.#here, names.length ? this.#words.say('colleagues', { n: names.length, who: names.slice(0, 3).join(', ') }) : '');
    this.#here.title = names.join(', ');
  }

  help() {
    const words = this.#words;
    const row = (/** @type {Node} */ pressed, /** @type {string} */ what) => make('div', {}, make('dt', {}, pressed), make('dd', {}, words.say(what)));
    const letters = Object.entries(KEYS).filter(([, act]) => act !== 'replace').map(([code, act]) => row(keys(code.slice(3)), `act.${act}`));
    open('wide help', words.say('keys'), words, make('div', { class: 'columns' },
      make('section', {}, make('h3', {}, words.say('keys.writing')), make('dl', {}, row(keys(MOD, 'Enter'), 'keys.review'), row(keys('Enter'), 'keys.confirm'), row(keys('Esc'), 'keys.back'), row(keys('/'), 'keys.command'), row(keys('F6'), 'keys.switch'), row(keys('N'), 'keys.new'))),
      make('section', {}, make('h3', {}, words.say('keys.list')), make('dl', {}, row(keys('↑', '↓'), 'keys.move'), row(keys('Enter'), 'keys.open'), ...letters))));
  }
}

function mark() {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('aria-hidden', 'true');
  const [box, lines] = [document.createElementNS(space, 'rect'), document.createElementNS(space, 'path')];
  for (const [name, value] of [['width', '32'], ['height', '32'], ['rx', '6']]) box.setAttribute(name, value);
  lines.setAttribute('d', 'M7 11h18M7 16h18M7 21h11');
  svg.append(box, lines);
  return svg;
}

/** @param {Words} words @param {string} name @param {string[][]} options @param {string} chosen @param {(value: string) => void} change */
function select(words, name, options, chosen, change) {
  const input = make('select', { id: `menu-${name}`, onchange: () => change(input.value) }, ...options.map(([value, label]) => make('option', { value, selected: value === chosen, lang: name === 'language' ? value : null }, label)));
  return make('div', { class: 'choice' }, make('label', { for: `menu-${name}` }, words.say(name)), input);
}
