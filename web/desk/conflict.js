/** Somebody else was faster: what I wrote beside what stands, and what is to become of mine. */

import { sideBySide } from './compare.js';
import { open } from './dialog.js';
import { keys, make } from './dom.js';

/** @import { Words } from './words.js' */

/**
 * @param {any} mine
 * @param {number} from the version that mine was made from
 * @param {any} newest
 * @param {string} who made that; empty when it is not known
 * @param {any} rules
 * @param {Words} words
 * @param {number} now
 * @returns {Promise<'mine'|'theirs'|'later'>}
 */
export function settled(mine, from, newest, who, rules, words, now) {
  return new Promise((resolve) => {
    let choice = /** @type {'mine'|'theirs'|'later'} */ ('later');
    const choose = (/** @type {typeof choice} */ chosen) => () => {
      choice = chosen;
      dialog.close();
    };
    const table = sideBySide(
      { title: words.say('conflict.theirs', { n: newest.version }), said: who ? words.say('row.by', { who }) : '', item: newest },
      { title: words.say('conflict.mine'), said: words.say('conflict.from', { n: from }), item: mine },
      rules, words, now,
    );
    const ended = ['retracted', 'expired'].includes(newest.state);
    const rebase = make('button', { type: 'button', class: 'primary', onclick: choose('mine') }, words.say('conflict.rebase', { n: newest.version + 1 }));
    const later = make('button', { type: 'button', class: 'secondary', onclick: choose('later') }, make('span', {}, words.say('conflict.later')), keys('Esc'));
    const dialog = open('wide conflict', words.say('conflict', { n: newest.version }), words,
      make('p', { class: 'intro' }, words.say(ended ? 'conflict.ended' : 'conflict.intro')),
      table,
      make('footer', {}, later, make('button', { type: 'button', class: 'secondary', onclick: choose('theirs') }, words.say('conflict.drop')), !ended && rebase));
    dialog.addEventListener('close', () => resolve(choice));
    later.focus();
  });
}
