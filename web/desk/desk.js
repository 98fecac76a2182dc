/** The desk: whoever has a session is at work, whoever has none logs in. */

import '/widget/v1/breaking-ticker.js';
import { get, Lost } from './api.js';
import { make } from './dom.js';
import { Login } from './login.js';
import { freshKey } from './outbox.js';
import { Preferences } from './preferences.js';
import { Shift } from './shift.js';
import { Words } from './words.js';

const AGAIN_MS = 2_000;

const preferences = new Preferences();
const place = /** @type {HTMLElement} */ (document.getElementById('desk'));
/** @type {Shift|null} */ let shift = null;

/** The name of this page: the same after a reload, another one in another window. */
function nameOfPage() {
  try {
    const held = sessionStorage.getItem('ticker-desk') ?? freshKey().slice(0, 16);
    sessionStorage.setItem('ticker-desk', held);
    return held;
  } catch {
    return freshKey().slice(0, 16);
  }
}

/** @param {string} [why] */
function ask(why = '') {
  shift?.stop();
  shift = null;
  const words = new Words(preferences.language);
  const login = new Login(words, why && words.say(why), (session) => {
    preferences.change({ known: true });
    work(session);
  });
  preferences.onchange = () => ask(why);
  document.title = words.say('login.title');
  place.replaceChildren(login.node);
  login.focus();
}

/** @param {any} session */
async function work(session) {
  const words = new Words(preferences.language);
  const answer = await patiently('/v1/rules', words);
  if (!answer.ok || !answer.document.channels.length) return ask(answer.ok ? 'login.nothing' : 'login.ended');
  const begin = () => {
    shift?.stop();
    const said = new Words(preferences.language);
    document.title = said.say('desk');
    shift = new Shift({ session, rules: answer.document, words: said, desk: nameOfPage(), preferences, ended: () => ask('login.ended'), left: () => {
      preferences.change({ known: false });
      ask('login.left');
    } });
    place.replaceChildren(shift.node);
    shift.start();
  };
  preferences.onchange = begin;
  begin();
}

/** Asks until there is an answer: a page that was opened without a line comes up when there is one. @param {string} path @param {Words} words */
async function patiently(path, words) {
  for (;;) {
    try {
      return await get(path);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      place.replaceChildren(make('main', { class: 'login' }, make('div', { class: 'card' }, make('h1', {}, words.say('desk')), make('p', { class: 'intro', role: 'status' }, words.say('begin.lost')))));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

preferences.dress();
if (preferences.known) {
  const answer = await patiently('/v1/session', new Words(preferences.language));
  if (answer.ok) await work(answer.document);
  else ask('login.ended');
} else ask();
