/** The life of one item: its versions, any two of them side by side. */

import { Lost, address, get } from './api.js';
import { sideBySide } from './compare.js';
import { open } from './dialog.js';
import { make, told } from './dom.js';

/** @import { Words } from './words.js' */

/** @param {any} item @param {any} rules @param {Words} words @param {() => number} now */
export async function showHistory(item, rules, words, now) {
  const list = make('ol', { class: 'versions', role: 'list' });
  const pane = make('div', { class: 'pane' }, make('p', { class: 'empty' }, words.say('loading')));
  open('wide history', words.say('history'), words, make('div', { class: 'split' }, list, pane));
  /** @type {any[]} */ let versions;
  try {
    const answer = await get(address(item.channel, item.id, 'versions'));
    if (!answer.ok) throw new Lost(answer.document.detail);
    versions = answer.document.versions;
  } catch (error) {
    if (!(error instanceof Lost)) throw error;
    pane.replaceChildren(make('p', { class: 'empty' }, words.say('history.lost')));
    return;
  }
  const side = (/** @type {any} */ version) => ({
    title: words.say('version', { n: version.version }),
    said: words.say('detail.by', { who: version.by.name || words.say('itself'), act: words.say(`did.${version.act}`).toLocaleLowerCase(), at: words.time(Date.parse(version.at), now()) }),
    item: version.item,
  });
  const show = (/** @type {number} */ place) => {
    for (const [other, node] of [...list.children].entries()) node.firstElementChild?.setAttribute('aria-pressed', String(versions.length - 1 - other === place));
    const [before, after] = [versions[place - 1], versions[place]];
    pane.replaceChildren(sideBySide(before ? side(before) : null, side(after), rules, words, now()));
  };
  list.replaceChildren(...versions.map((version, place) => make('li', {}, make('button', { type: 'button', 'aria-pressed': 'false', onclick: () => show(place) },
    make('strong', {}, words.say('version', { n: version.version })), make('span', { dir: 'auto' }, side(version).said), make('span', { class: 'line' }, told(version.item))))).reverse());
  show(versions.length - 1);
  /** @type {HTMLElement|null} */ (list.querySelector('button'))?.focus();
}
