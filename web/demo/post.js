/**
 * Posts an alert from the demo page, and tells how long it took to come back to it. A key is given once, against the
 * same session that the desk uses: this page keeps none.
 */

import { cutLine } from './cut.js';

const PATIENCE_MS = 8_000;
const REMEMBERED = 50;

/** A headline to post, in the language of each channel. */
export const EXAMPLES = /** @type {Record<string, string>} */ ({
  en: 'Ceasefire signed in Geneva',
  ar: 'توقيع وقف إطلاق النار في جنيف',
  es: 'Firmado el alto el fuego en Ginebra',
});

const form = /** @type {HTMLFormElement} */ (document.getElementById('poster'));
const said = /** @type {HTMLElement} */ (form.querySelector('output'));
const login = /** @type {HTMLElement} */ (form.querySelector('.login'));
const key = /** @type {HTMLInputElement} */ (login.querySelector('input'));
const send = /** @type {HTMLButtonElement} */ (form.querySelector('button[type=submit]'));
const line = /** @type {HTMLButtonElement} */ (document.getElementById('line'));
const field = /** @param {string} name */ (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** When each alert came to this page, by its id; the newest last. @type {Map<string, number>} */
const came = new Map();
/** The one that was posted here last. @type {{id: string, sent: number, kept: number}|null} */
let posted = null;

/** @param {string} name @param {number|null} ms */
function show(name, ms) {
  const place = /** @type {HTMLElement} */ (document.querySelector(`.road [data-name=${name}]`));
  place.textContent = ms === null ? '…' : `${Math.round(ms)} ms`;
}

function tell() {
  if (!posted) return;
  const at = came.get(posted.id);
  show('kept', posted.kept - posted.sent);
  show('came', at === undefined ? null : at - posted.sent);
}

for (const ticker of document.querySelectorAll('.card breaking-ticker')) {
  ticker.addEventListener('ticker-item', (event) => {
    const { id } = /** @type {CustomEvent} */ (event).detail.item;
    came.set(id, performance.now());
    if (came.size > REMEMBERED) came.delete(/** @type {string} */ (came.keys().next().value));
    tell();
  });
}

/**
 * @param {string} path
 * @param {object} body
 */
async function ask(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const document = await answer.json();
  if (answer.ok) return document;
  throw Object.assign(new Error(document.detail ?? answer.statusText), { status: answer.status });
}

async function post() {
  if (key.value) {
    await ask('/v1/session', { key: key.value.trim() });
    key.value = '';
    login.hidden = true;
  }
  const headline = field('headline').value.trim();
  const attribution = field('attribution').value.trim();
  const sent = performance.now();
  const { item } = await ask(`/v1/channels/${field('channel').value}/items`, { headline, ...(attribution && { attribution }) });
  posted = { id: item.id, sent, kept: performance.now() };
  tell();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  send.disabled = true;
  said.textContent = '';
  try {
    await post();
    said.textContent = 'Posted.';
  } catch (problem) {
    const { status, message } = /** @type {Error & {status?: number}} */ (problem);
    if (status === 401 || status === 403) {
      login.hidden = false;
      key.focus();
    }
    const why = status === 401 ? (key.value ? message : 'Give a key once to post from here.') : message;
    said.textContent = status ? why : 'The server did not answer. Try again.';
  }
  send.disabled = false;
});

field('channel').addEventListener('change', () => {
  const { value } = field('channel');
  if (Object.values(EXAMPLES).includes(field('headline').value)) field('headline').value = EXAMPLES[value];
  field('headline').dir = value === 'ar' ? 'rtl' : 'ltr';
  field('headline').lang = value;
});

line.addEventListener('click', () => {
  const cut = line.getAttribute('aria-pressed') !== 'true';
  cutLine(cut);
  line.setAttribute('aria-pressed', String(cut));
  line.textContent = cut ? 'Bring the line back' : 'Cut the line';
});
