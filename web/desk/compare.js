/** Two versions side by side: which words differ, and which fields; the first one stands alone. */

import { difference } from './difference.js';
import { make } from './dom.js';

/** @import { Words } from './words.js' */

const FIELDS = ['headline', 'attribution', 'correction_note', 'push_headline', 'urgency', 'sections', 'regions', 'tags', 'story', 'link', 'located', 'language', 'direction', 'live', 'developing', 'publish_at', 'embargoed', 'expires', 'pinned_until', 'ednote', 'state'];
const MOMENTS = new Set(['publish_at', 'embargoed', 'expires', 'pinned_until']);

/**
 * @typedef {{title: string, said: string, item: any}} Side
 * @param {Side|null} before
 * @param {Side} after
 * @param {any} rules of the channel
 * @param {Words} words
 * @param {number} now
 */
export function sideBySide(before, after, rules, words, now) {
  const rows = [];
  for (const name of FIELDS) {
    const [old, fresh] = [before ?? after, after].map(({ item }) => value(item, name, rules, words, now));
    if (!old && !fresh) continue;
    const always = name === 'headline' || name === 'attribution' || !before;
    if (old === fresh && !always) continue;
    const pieces = difference(old, fresh);
    rows.push(make('tr', { class: old === fresh ? 'same' : 'differs' },
      make('th', { scope: 'row' }, words.say(`compare.${name}`)),
      ...(before ? [make('td', { dir: 'auto' }, ...marked(pieces.before, 'del'))] : []),
      make('td', { dir: 'auto' }, ...marked(pieces.after, 'ins'))));
  }
  const head = (/** @type {Side} */ side) => make('th', { scope: 'col' }, make('strong', {}, side.title), make('span', { dir: 'auto' }, side.said));
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words.say('compare') },
    make('table', { class: 'compare' }, make('thead', {}, make('tr', {}, make('td', {}), ...(before ? [head(before)] : []), head(after))), make('tbody', {}, ...rows)));
}

/** @param {any} item @param {string} name @param {any} rules @param {Words} words @param {number} now */
function value(item, name, rules, words, now) {
  const found = item[name];
  if (found === undefined || found === null || found === false || found === '') return '';
  if (name === 'urgency') return words.urgency(found, rules);
  if (name === 'direction') return words.say(`direction.${found}`);
  if (name === 'state') return words.say(`state.${found}`);
  if (MOMENTS.has(name)) return words.time(Date.parse(found), now);
  if (Array.isArray(found)) return found.map((one) => (words.has(`name.${one}`) ? words.say(`name.${one}`) : one)).join(', ');
  return found === true ? words.say('yes') : String(found);
}

/** @param {{text: string, same: boolean}[]} pieces @param {'del'|'ins'} tag */
const marked = (pieces, tag) => pieces.map(({ text, same }) => (same ? text : make(tag, {}, text)));
