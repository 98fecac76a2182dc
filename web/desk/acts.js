/** What is done to an item with one key: asked for where it cannot be taken back, sent once, told when it is done. */

import { address } from './api.js';
import { confirm, reason } from './dialog.js';
import { freshKey } from './outbox.js';

/** @import { Act } from './permits.js' */
/** @import { Words } from './words.js' */

/** What goes on air, or leaves it for good, is asked for first. @type {Record<string, boolean>} */
const ASKED = { expire: true, approve: true, release: true, now: true };

/**
 * The request for an act, once its editor has said yes; null when he has not.
 * @param {Act} act
 * @param {any} item
 * @param {{words: Words, rules: any, readers: number, note: number, reach: any}} known
 */
export async function requested(act, item, { words, rules, readers, note, reach }) {
  const headers = { 'Idempotency-Key': freshKey(), 'If-Match': `"${item.version}"` };
  const text = { ...item, attribution: item.attribution ?? null };
  const path = address(item.channel, item.id);
  if (act === 'retract') {
    const screens = item.state === 'published' ? words.say('retract.from', { n: readers, had: reach?.reached ?? readers }) : words.say('retract.unseen');
    const said = await reason({ title: words.say('ask.retract'), text, intro: screens, label: words.say('retract.why'), hint: words.say('retract.hint'), button: words.say('do.retract'), most: note }, words);
    return said && { method: 'POST', path: `${path}/retract`, body: { reason: said }, headers };
  }
  if (act === 'undo' && item.state === 'scheduled') return { method: 'POST', path: `${path}/retract`, body: { reason: words.say('undo.reason') }, headers };
  if (ASKED[act]) {
    const leaves = act === 'expire';
    const facts = /** @type {[string, string][]} */ ([
      [words.say('fact.channel'), `${rules.title} (${rules.name})`],
      [words.say('fact.reaches'), leaves ? words.say('leaves.from', { n: readers }) : words.say('screens', { n: readers })],
    ]);
    if (!leaves) facts.push([words.say('fact.how'), item.push?.enabled === false ? words.say('how.web') : words.say('how.both', { n: rules.push_hold })]);
    const yes = await confirm({ title: words.say(`ask.${act}`), text, facts, warnings: [], button: words.say(`act.${act}`), danger: leaves }, words);
    if (!yes) return null;
  }
  if (act === 'now') return { method: 'PATCH', path, body: { signal: 'update', publish_at: null, embargoed: null }, headers };
  return { method: 'POST', path: `${path}/${act}`, body: {}, headers };
}
