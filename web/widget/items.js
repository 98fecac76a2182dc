/** The list of alerts as nodes: one <li> for each item, kept as long as the item is shown. */

import { make } from './dom.js';
import { ago } from './strings.js';
import { risenAt } from './window.js';

/** @import { Item } from './window.js' */
/** @import { Strings } from './strings.js' */

/** @param {Item} item */
const wholeText = ({ attribution, headline = '' }) => (attribution ? `${attribution}: ${headline}` : headline);

/** What its last change was, in a word. @param {Item} item @param {Strings} strings */
const markOf = ({ signal }, strings) =>
  signal === 'correction' ? strings.corrected : signal === 'update' ? strings.updated : '';

/** For those who listen. @param {Item} item @param {Strings} strings */
export const sentence = (item, strings) =>
  [markOf(item, strings), wholeText(item), item.correction_note].filter(Boolean).join(' – ');

export const DIRECTION = /^(ltr|rtl)$/;

/** @param {Item} item */
const directionOf = ({ direction = '' }) => (DIRECTION.test(direction) ? direction : 'auto');

/**
 * Attribution and headline are isolated from each other: otherwise a Latin name before an Arabic headline that
 * begins with a figure changes places with it.
 * @param {Item} item
 */
function text(item) {
  const headline = make('bdi', 'headline', { dir: directionOf(item) }, item.headline ?? '');
  const parts = item.attribution ? [make('bdi', 'attribution', {}, item.attribution), ': ', headline] : [headline];
  const { link } = item;
  const line = make('span', 'text', { title: wholeText(item), dir: directionOf(item) });
  if (item.language) line.setAttribute('lang', item.language);
  // A reader may be sent to what is sealed, and run nothing.
  line.append(...(link?.startsWith('https://') ? [make('a', 'link', { href: link, target: '_blank', rel: 'noopener' }, ...parts)] : parts));
  return line;
}

export class Items {
  /** @type {HTMLUListElement} */ node = make('ul', 'items', { role: 'list' });
  /** @type {Map<string, {item: Item, node: HTMLLIElement}>} */ #rows = new Map();
  /** @type {Strings} */ #strings;

  /** @param {Strings} strings */
  constructor(strings) {
    this.#strings = strings;
  }

  /**
   * @param {Item[]} items in the order shown
   * @param {number} now by the server's clock, milliseconds
   */
  render(items, now) {
    for (const [id, row] of this.#rows) {
      if (items.some((item) => item.id === id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    items.forEach((item, place) => {
      const node = this.#row(item);
      const there = this.node.children[place];
      // A node that stands right is not moved: moving it would take the focus from its link.
      if (there !== node) this.node.insertBefore(node, there ?? null);
    });
    for (const { item, node } of this.#rows.values()) {
      const time = /** @type {HTMLElement} */ (node.querySelector('time'));
      const age = now - Date.parse(risenAt(item));
      const text = age === age ? ago(this.#strings, age) : '';
      if (time.textContent !== text) time.textContent = text;
    }
  }

  /** @param {string|null} id */
  nodeOf(id) {
    return (id && this.#rows.get(id)?.node) || null;
  }

  /** @param {Item} item */
  #row(item) {
    const known = this.#rows.get(item.id);
    if (known?.item === item) return known.node;
    const node = known?.node ?? make('li', 'item');
    node.replaceChildren(text(item), this.#meta(item));
    this.#rows.set(item.id, { item, node });
    return node;
  }

  /** @param {Item} item */
  #meta(item) {
    const strings = this.#strings;
    const meta = make('span', 'meta', {}, make('time', 'time', { datetime: risenAt(item) }));
    const mark = markOf(item, strings);
    const note = item.correction_note;
    if (mark) meta.append(make('span', 'mark', {}, mark));
    if (item.pinned_until) meta.append(make('span', 'pin', {}, strings.pinned));
    if (note) meta.append(make('bdi', 'reason', { dir: 'auto', title: note }, note));
    return meta;
  }
}
