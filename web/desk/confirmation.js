/** What is said before an act: to whom it goes, how, and what speaks against it. No DOM. */

import { joined } from './attribution.js';
import { fate, said } from './draft.js';
import { bytes, characters } from './measure.js';
import { countdown } from './moments.js';

/**
 * @typedef {object} Confirmation
 * @property {string} title
 * @property {{attribution?: string|null, headline: string, direction: string, language: string}} text
 * @property {[string, string][]} facts a term and what it is, in their order
 * @property {string[]} warnings
 * @property {string} button
 * @property {boolean} [danger]
 */

/** The name of the act, which is what the button says. @param {import('./draft.js').Draft} draft @param {any} rules */
export function actOf(draft, rules) {
  const kind = /** @type {Record<string, string>} */ ({ update: 'do.update', correction: 'do.correct', refile: 'do.refile' });
  if (draft.kind !== 'new') return kind[draft.kind];
  return { pending: 'do.submit', scheduled: 'do.schedule' }[/** @type {string} */ (fate(draft, rules))] ?? 'do.send';
}

/**
 * @param {import('./draft.js').Draft} draft
 * @param {{words: import('./words.js').Words, rules: any, limits: any, warn: number[], readers: number, fresh: boolean, reach: any, now: number}} known
 * @returns {Confirmation}
 */
export function confirmation(draft, { words, rules, warn, readers, fresh, reach, now }) {
  const where = fate(draft, rules);
  const { attribution, headline } = said(draft);
  const length = characters(headline);
  const facts = /** @type {[string, string][]} */ ([[words.say('fact.channel'), `${rules.title} (${rules.name})`]]);
  const live = where === 'published';
  const screens = fresh ? words.say('screens', { n: readers }) : words.say('screens.unknown');
  if (live) facts.push([words.say('fact.reaches'), draft.kind === 'new' || draft.base?.state === 'published' ? screens : screens]);
  else if (where === 'pending') facts.push([words.say('fact.reaches'), words.say('reaches.pending')]);
  else if (where === 'held') facts.push([words.say('fact.reaches'), words.say('reaches.held')]);
  facts.push([words.say('fact.when'), when(draft, where, words, now)]);
  facts.push([words.say('fact.how'), how(draft, words, rules)]);
  facts.push([words.say('fact.urgency'), words.urgency(draft.urgency, rules)]);
  facts.push([words.say('fact.length'), words.say('length.of', { n: length, bytes: bytes(draft.push_headline || joined({ attribution, headline })) })]);
  if (draft.kind !== 'new') facts.push([words.say('fact.version'), words.say('version.becomes', { from: draft.base.version, to: draft.base.version + 1 })]);
  if (draft.note.trim()) facts.push([words.say('fact.note'), draft.note.trim()]);
  if (draft.pin) facts.push([words.say('fact.pin'), words.say('pin.hour')]);

  const warnings = [];
  const beyond = [...warn].sort((a, b) => b - a).find((limit) => length > limit);
  if (beyond) warnings.push(words.say(beyond >= 120 ? 'warn.cut' : 'warn.long', { n: length, limit: beyond }));
  if (draft.kind !== 'new' && draft.base.published_at) {
    const at = words.time(Date.parse(draft.base.published_at), now);
    warnings.push(words.say(reach?.reached ? 'warn.sentTo' : 'warn.sent', { at, n: reach?.reached ?? 0 }));
  }
  return {
    title: words.say(`ask.${actOf(draft, rules).slice(3)}`),
    text: { attribution, headline, direction: draft.direction || rules.direction, language: rules.language },
    facts,
    warnings,
    button: words.say(actOf(draft, rules)),
  };
}

/** @param {import('./draft.js').Draft} draft @param {string} where @param {import('./words.js').Words} words @param {number} now */
function when(draft, where, words, now) {
  if (where === 'pending') return words.say('when.approved');
  const at = Math.max(draft.publish_at ?? 0, draft.embargoed ?? 0);
  if (where === 'scheduled' && at) return words.say('when.at', { at: words.time(at, now), in: words.digits(countdown(at - now)) });
  if (where === 'held') return words.say('when.released');
  return words.say(draft.kind === 'correction' || !draft.bump && draft.kind === 'update' ? 'when.nowInPlace' : 'when.now');
}

/** @param {import('./draft.js').Draft} draft @param {import('./words.js').Words} words @param {any} rules */
function how(draft, words, rules) {
  if (!draft.push) return words.say('how.web');
  return rules.push_hold ? words.say('how.both', { n: rules.push_hold }) : words.say('how.bothNow');
}
