/** What an editor is writing: a new alert, or a change to one that stands. Plain data, as it is kept; no DOM. */

import { joined, split } from './attribution.js';
import { unescaped } from './commands.js';
import { codePoints } from './measure.js';

/**
 * @typedef {'new'|'update'|'correction'|'refile'} Kind
 *
 * @typedef {Named & Record<string, any>} Draft its fields are also gone through by name
 *
 * @typedef {object} Named
 * @property {Kind} kind
 * @property {string} text attribution and headline in one line, as typed
 * @property {boolean} whole not to be split into attribution and headline
 * @property {any} base the version that it changes; null for a new one
 * @property {string} note what was wrong; public
 * @property {boolean} bump
 * @property {number} urgency
 * @property {string[]} sections
 * @property {string[]} regions
 * @property {string[]} tags
 * @property {string} story
 * @property {string} link
 * @property {string} located
 * @property {string} ednote
 * @property {string} push_headline
 * @property {string} language BCP 47; empty: the channel's, or what it was
 * @property {string} direction the same
 * @property {boolean} live
 * @property {boolean} developing
 * @property {boolean} push
 * @property {boolean} sound
 * @property {boolean} pin
 * @property {string} replaces
 * @property {number|null} publish_at
 * @property {number|null} embargoed
 * @property {number|null} expires
 *
 * @typedef {object} Limits
 * @property {number} headline
 * @property {number} push_headline
 * @property {number} attribution
 * @property {number} note
 */

const TEXTS = ['story', 'link', 'located', 'ednote', 'push_headline'];
const LISTS = ['sections', 'regions', 'tags'];
/** Of every item; the channel says what they are when an editor does not. */
const OWN = ['language', 'direction'];
const FLAGS = ['live', 'developing'];
/** As the service takes it. */
const LANGUAGE = /^[a-z]{2,3}(-[a-z0-9]{2,8}){0,4}$/i;
const MOMENTS = ['publish_at', 'embargoed', 'expires'];

/** @returns {Draft} */
export function blank() {
  return {
    kind: 'new', text: '', whole: false, base: null, note: '', bump: false, urgency: 5, sections: [], regions: [], tags: [],
    story: '', link: '', located: '', ednote: '', push_headline: '', language: '', direction: '', live: false, developing: false,
    push: true, sound: false, pin: false, replaces: '', publish_at: null, embargoed: null, expires: null,
  };
}

/**
 * A draft that changes an item, and says at first what the item says.
 * @param {any} item
 * @param {Kind} kind
 * @returns {Draft}
 */
export function changing(item, kind) {
  return { ...ofItem(item), kind, base: item };
}

/**
 * A new draft that says what an item said: after an undo, or in place of what was retracted.
 * @param {any} item
 * @returns {Draft}
 */
export function ofItem(item) {
  /** @type {Draft} */ const found = { ...blank(), text: joined(item), whole: !item.attribution && split(item.headline ?? '').attribution !== null };
  for (const name of TEXTS) found[name] = item[name] ?? '';
  for (const name of LISTS) found[name] = [...(item[name] ?? [])];
  for (const name of FLAGS) found[name] = Boolean(item[name]);
  for (const name of MOMENTS) found[name] = item[name] ? Date.parse(item[name]) : null;
  found.language = item.language ?? '';
  found.direction = item.direction ?? '';
  found.urgency = item.urgency ?? 5;
  found.push = item.push?.enabled !== false;
  found.sound = Boolean(item.push?.sound);
  return found;
}

/**
 * The same change, made to a newer version: what its editor did not touch is as the newer version has it.
 * @param {Draft} draft
 * @param {any} newest
 * @returns {Draft}
 */
export function rebased(draft, newest) {
  const [before, found] = [changing(draft.base, draft.kind), changing(newest, draft.kind)];
  for (const name of Object.keys(blank())) {
    if (name === 'base' || name === 'kind') continue;
    if (JSON.stringify(draft[name]) !== JSON.stringify(before[name])) found[name] = draft[name];
  }
  return found;
}

/** The item that it would become, to be looked at beside others. @param {Draft} draft */
export function become(draft) {
  const found = { ...draft.base, ...fields(draft), correction_note: draft.note.trim() || null };
  for (const name of OWN) found[name] ||= draft.base?.[name];
  return found;
}

/** Whether there is nothing in it that anybody would miss. @param {Draft} draft */
export const empty = (draft) => draft.kind === 'new' && !draft.text.trim();

/**
 * @param {Draft} draft
 * @returns {{attribution: string|null, headline: string}}
 */
export function said(draft) {
  const text = unescaped(draft.text).replace(/\s+/gu, ' ').trim();
  if (draft.whole) return { attribution: null, headline: text };
  const before = draft.base?.attribution;
  if (before && text.startsWith(`${before}: `)) return { attribution: before, headline: text.slice(before.length + 2).trim() };
  return split(text);
}

/** What phones show. @param {Draft} draft */
export const pushed = (draft) => draft.push_headline.trim() || joined(said(draft));

/**
 * @param {Draft} draft
 * @param {import('./commands.js').Change[]} changes
 * @returns {Draft}
 */
export function changed(draft, changes) {
  const found = { ...draft };
  for (const { field, value, add } of changes) {
    if (field === 'channel') continue;
    found[field] = add ? [...new Set([...found[field], value])] : value;
  }
  return found;
}

/**
 * The body of the request: a whole item, or what differs from the version that it changes.
 * @param {Draft} draft
 * @returns {Record<string, any>}
 */
export function body(draft) {
  const now = fields(draft);
  if (draft.kind === 'new') {
    const found = Object.fromEntries(Object.entries(now).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length) && value !== false));
    if (draft.urgency === 5) delete found.urgency;
    if (draft.replaces) found.replaces = draft.replaces;
    if (!draft.push || draft.sound) found.push = { enabled: draft.push, ...(draft.sound ? { sound: true } : {}) };
    return found;
  }
  const before = fields(changing(draft.base, draft.kind));
  const found = Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
  // An optional text is taken away by null; an empty list, or false, says so itself.
  if (draft.push !== (draft.base.push?.enabled !== false) || draft.sound !== Boolean(draft.base.push?.sound)) {
    found.push = { ...draft.base.push, enabled: draft.push, sound: draft.sound };
  }
  // What every item has cannot be taken away: a field that was emptied says nothing.
  for (const name of OWN) if (!found[name]) delete found[name];
  return {
    signal: draft.kind,
    ...(draft.note.trim() ? { correction_note: draft.note.trim() } : {}),
    ...(draft.bump && draft.kind === 'update' ? { bump: true } : {}),
    ...found,
  };
}

/** @param {Draft} draft @returns {Record<string, any>} */
function fields(draft) {
  const { attribution, headline } = said(draft);
  const found = /** @type {Record<string, any>} */ ({ headline, attribution, urgency: draft.urgency });
  for (const name of TEXTS) found[name] = draft[name].trim() || null;
  for (const name of LISTS) found[name] = draft[name];
  for (const name of FLAGS) found[name] = draft[name];
  for (const name of MOMENTS) found[name] = draft[name] === null ? null : new Date(draft[name]).toISOString();
  for (const name of OWN) found[name] = draft[name].trim() || null;
  return found;
}

/**
 * What keeps it from being sent: names of sentences, with what they need.
 * @param {Draft} draft
 * @param {Limits} limits
 * @param {number} now
 * @returns {{what: string, field: string, n?: number}[]}
 */
export function obstacles(draft, limits, now) {
  const { attribution, headline } = said(draft);
  const found = [];
  if (!headline) found.push({ what: 'empty', field: 'headline' });
  const over = codePoints(headline) - limits.headline;
  if (over > 0) found.push({ what: 'tooLong', field: 'headline', n: over });
  if (attribution && codePoints(attribution) > limits.attribution) found.push({ what: 'attributionTooLong', field: 'headline' });
  if (codePoints(draft.push_headline) > limits.push_headline) found.push({ what: 'pushTooLong', field: 'push_headline', n: limits.push_headline });
  if (draft.kind === 'correction' && !draft.note.trim()) found.push({ what: 'noteNeeded', field: 'note' });
  for (const name of ['publish_at', 'embargoed', 'expires']) {
    const planned = draft.kind === 'new' || draft.base?.state === 'scheduled' || name === 'expires';
    const same = draft.base && Date.parse(draft.base[name]) === draft[name];
    if (planned && !same && draft[name] !== null && draft[name] <= now) found.push({ what: 'past', field: name });
  }
  if (draft.language && !LANGUAGE.test(draft.language.trim())) found.push({ what: 'noLanguage', field: 'language' });
  if (draft.link && !/^https:\/\/\S+$/i.test(draft.link.trim())) found.push({ what: 'linkNotHttps', field: 'link' });
  if (draft.kind !== 'new' && draft.kind !== 'refile' && !draft.bump && Object.keys(body(draft)).every((name) => ['signal', 'correction_note'].includes(name))) {
    found.push({ what: 'nothingChanged', field: 'headline' });
  }
  return found;
}

/** Where the item will be once it is stored. @param {Draft} draft @param {{approve: number}} rules */
export function fate(draft, rules) {
  if (draft.kind !== 'new') return draft.base?.state ?? 'published';
  if (draft.urgency <= rules.approve) return 'pending';
  return draft.publish_at !== null || draft.embargoed !== null ? 'scheduled' : 'published';
}
