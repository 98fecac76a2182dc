/** Slash commands: what is typed in the headline and meant for the desk. No DOM. */

import { moment } from './moments.js';

/**
 * @typedef {object} Change what a command does to a draft
 * @property {string} field of the draft; `channel` moves it
 * @property {any} value
 * @property {boolean} [add] one more of a list
 *
 * @typedef {object} Known what a command may name
 * @property {string[]} channels
 * @property {string[]} sections
 * @property {string[]} regions
 * @property {Record<string, string>} labels urgency → what it is called in this channel
 * @property {number} now
 *
 * @typedef {{token: string, reason: 'unknown'|'value'|'needs', known: string[]}} Fault
 */

/** The urgencies by the names that never change, whatever a channel calls them. */
const URGENCIES = /** @type {Record<string, number>} */ ({ flash: 1, bulletin: 2, urgent: 3, normal: 5 });
const FLAGS = /** @type {Record<string, [string, any]>} */ ({
  pin: ['pin', true],
  live: ['live', true],
  developing: ['developing', true],
  web: ['push', false],
  push: ['push', true],
  sound: ['sound', true],
});
/** Command → field, and whether a list takes one more. */
const LISTS = /** @type {Record<string, 'sections'|'regions'>} */ ({ sec: 'sections', reg: 'regions' });
const TEXTS = /** @type {Record<string, string>} */ ({ story: 'story', link: 'link', from: 'located' });
const MOMENTS = /** @type {Record<string, string>} */ ({ at: 'publish_at', embargo: 'embargoed', until: 'expires' });

/** A command stands alone: the slash in “and/or” and in an address is a slash, and `//` is one that stays. */
const TOKEN = /(?<=^|\s)\/(?<name>[a-z][a-z0-9-]*)(?::(?:"(?<quoted>[^"]*)"|(?<bare>\S*)))?(?=\s|$)/giu;

/**
 * Every command that can be typed now, with what it takes.
 * @param {Known} known
 * @returns {{name: string, what: string, value?: string}[]} `what` names its explanation
 */
export function commands(known) {
  const named = (/** @type {string} */ name, /** @type {string[]} */ values) =>
    values.map((value) => ({ name: `${name}:${value}`, what: name, value }));
  return [
    ...Object.keys(URGENCIES).map((name) => ({ name, what: 'urgency', value: known.labels[URGENCIES[name]] ?? name })),
    ...['pin', 'web', 'push', 'sound', 'live', 'developing'].map((name) => ({ name, what: name })),
    ...known.channels.map((name) => ({ name, what: 'channel', value: name })),
    ...['at:', 'embargo:', 'until:', 'story:', 'tag:', 'link:', 'from:'].map((name) => ({ name, what: name.slice(0, -1) })),
    ...named('sec', known.sections),
    ...named('reg', known.regions),
  ];
}

/**
 * Takes the commands out of a text.
 * @param {string} text
 * @param {Known} known
 * @param {boolean} whole false while the last word is still being written: it may become another command
 * @returns {{text: string, changes: Change[], faults: Fault[]}}
 */
export function taken(text, known, whole) {
  /** @type {Change[]} */ const changes = [];
  /** @type {Fault[]} */ const faults = [];
  const rest = text.replace(TOKEN, (token, ...found) => {
    const [offset, all, groups] = found.slice(-3);
    if (!whole && offset + token.length === all.length) return token;
    const change = read(groups.name.toLowerCase(), groups.quoted ?? groups.bare, known);
    if ('reason' in change) {
      faults.push({ ...change, token });
      return token;
    }
    changes.push(change);
    return '';
  });
  const said = changes.length ? rest.replace(/ {2,}/g, ' ').replace(/^ /, '') : rest;
  return { text: said, changes, faults };
}

/** What is posted: a doubled slash was one that is meant. @param {string} text */
export const unescaped = (text) => text.replace(/(?<=^|\s)\/\/(?=[a-z])/giu, '/');

/**
 * @param {string} name
 * @param {string|undefined} value
 * @param {Known} known
 * @returns {Change|{reason: Fault['reason'], known: string[]}}
 */
function read(name, value, known) {
  if (value === undefined || value === '') {
    if (name in URGENCIES) return { field: 'urgency', value: URGENCIES[name] };
    if (name in FLAGS) return { field: FLAGS[name][0], value: FLAGS[name][1] };
    if (known.channels.includes(name)) return { field: 'channel', value: name };
    if (name in LISTS) return { reason: 'needs', known: known[LISTS[name]] };
    if (name in TEXTS || name in MOMENTS || name === 'tag') return { reason: 'needs', known: [] };
    return { reason: 'unknown', known: near(name, known) };
  }
  if (name in LISTS) {
    const listed = known[LISTS[name]];
    if (!listed.includes(value.toLowerCase())) return { reason: 'value', known: listed };
    return { field: LISTS[name], value: value.toLowerCase(), add: true };
  }
  if (name === 'tag') return { field: 'tags', value, add: true };
  if (name in TEXTS) return { field: TEXTS[name], value };
  if (name in MOMENTS) {
    const ms = moment(value, known.now);
    return ms === null ? { reason: 'value', known: ['18:30', '10m', '2h'] } : { field: MOMENTS[name], value: ms };
  }
  return { reason: 'unknown', known: near(name, known) };
}

/** Commands that begin alike. @param {string} name @param {Known} known */
function near(name, known) {
  const names = [...new Set(commands(known).map((command) => command.name))];
  const alike = names.filter((other) => other.startsWith(name.slice(0, 2)) || other.startsWith(name[0]));
  return (alike.length ? alike : names).slice(0, 4);
}

/**
 * What the word under the cursor may become.
 * @param {string} before the text up to the cursor
 * @param {Known} known
 */
export function suggested(before, known) {
  const begun = /(?:^|\s)\/(?<word>[a-z0-9:-]*)$/iu.exec(before)?.groups?.word;
  if (begun === undefined) return [];
  const word = begun.toLowerCase();
  return commands(known)
    .filter(({ name }) => name.startsWith(word) && name !== word)
    .filter(({ name }) => word.includes(':') || !/^(sec|reg):./.test(name))
    .concat(word.includes(':') ? [] : [{ name: 'sec:', what: 'sec' }, { name: 'reg:', what: 'reg' }].filter(({ name }) => name.startsWith(word)))
    .slice(0, 9);
}
