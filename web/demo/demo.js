/** The demo page: the words for the state of each line, and code to copy that carries this page's own address. */

import './cut.js';
import '/widget/v1/breaking-ticker.js';
import { EXAMPLES } from './post.js';

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  en: { connecting: 'connecting', live: 'live', stale: 'out of date', polling: 'every 10 s', offline: 'offline' },
  ar: { connecting: 'جارٍ الاتصال', live: 'مباشر', stale: 'غير محدَّث', polling: 'كل 10 ثوانٍ', offline: 'غير متصل' },
  es: { connecting: 'conectando', live: 'en vivo', stale: 'desactualizado', polling: 'cada 10 s', offline: 'sin conexión' },
};

const { origin } = location;

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

for (const card of document.querySelectorAll('.card')) {
  const words = WORDS[card.getAttribute('data-channel') ?? 'en'];
  const line = /** @type {HTMLElement} */ (card.querySelector('.line'));
  const ticker = /** @type {import('../widget/element.js').BreakingTicker} */ (card.querySelector('breaking-ticker'));
  const tell = () => {
    /** @type {HTMLElement} */ (line.firstElementChild).textContent = words[ticker.status];
    line.classList.toggle('live', ticker.status === 'live');
  };
  ticker.addEventListener('ticker-status', tell);
  tell();
}

const form = /** @type {HTMLFormElement} */ (document.querySelector('form.choices'));
/** The version that this server gives out, with its hash, once it is known. @type {{path: string, integrity: string}|null} */
let pinned = null;

/**
 * One tag of the snippet: where it does not fit on one line, it breaks between the tags.
 * @param {string} text
 */
function piece(text) {
  const span = document.createElement('span');
  span.textContent = text;
  return span;
}

/** @param {string} text inside an attribute's quotes */
const quoted = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/** What was chosen, as attributes; what is the default is left out. */
function attributes() {
  const chosen = new FormData(form);
  /** @type {[string, string][]} */
  const found = [];
  for (const name of ['channel', 'mode', 'theme', 'section', 'region', 'tag']) {
    const value = String(chosen.get(name) ?? '').trim();
    if (value && value !== 'rotate') found.push([name, value]);
  }
  return found;
}

/** @param {[string, string][]} chosen */
function framed(chosen) {
  const url = new URL(`/embed/${Object.fromEntries(chosen).channel}`, origin);
  for (const [name, value] of chosen) {
    if (name === 'channel' || value === 'toast') continue;
    for (const part of name === 'mode' || name === 'theme' ? [value] : value.split(',')) {
      if (part.trim()) url.searchParams.append(name, part.trim());
    }
  }
  return [
    piece(`<iframe data-ticker src="${quoted(url.href)}" title="Breaking news" width="100%" height="120" loading="lazy"></iframe>`),
    piece(`<script type="module" src="${origin}/embed/v1/host.js"></script>`),
  ];
}

function write() {
  const chosen = attributes();
  const { channel } = Object.fromEntries(chosen);
  const kind = new FormData(form).get('kind');
  element('bar').setAttribute('channel', channel);
  const preview = element('preview');
  for (const name of ['channel', 'mode', 'theme', 'section', 'region', 'tag']) {
    const value = Object.fromEntries(chosen)[name];
    if (value === undefined) preview.removeAttribute(name);
    else if (preview.getAttribute(name) !== value) preview.setAttribute(name, value);
  }
  const told = chosen.map(([name, value]) => ` ${name}="${quoted(value)}"`).join('');
  const file = kind === 'pinned' && pinned ? pinned.path : '/widget/v1/breaking-ticker.js';
  const sealed = kind === 'pinned' && pinned ? ` integrity="${pinned.integrity}" crossorigin` : '';
  const script = `<script type="module" src="${origin}${file}"${sealed}></script>`;
  const tags = kind === 'frame' ? framed(chosen) : [piece(script), piece(`<breaking-ticker${told}></breaking-ticker>`)];
  element('snippet').replaceChildren(...tags);
  element('curl').textContent = [
    `curl ${origin}/v1/channels/${channel}/items \\`,
    '  -H "Authorization: Bearer $TICKER_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify({ attribution: 'Reuters', headline: EXAMPLES[channel] })}'`,
  ].join('\n');
  element('command').textContent = `TICKER_URL=${origin} ticker post ${channel} "${EXAMPLES[channel]}" --attribution Reuters`;
}

async function pin() {
  const answer = await fetch('/widget/versions.json');
  if (answer.ok) [pinned] = (await answer.json()).versions;
  write();
}

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} code
 */
async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? '');
    button.textContent = 'Copied';
  } catch {
    // Without a secure context there is no clipboard: the text is selected, so that one key copies it.
    getSelection()?.selectAllChildren(code);
    button.textContent = 'Press Ctrl+C';
  }
  setTimeout(() => (button.textContent = 'Copy'), 2_000);
}

form.addEventListener('change', write);
form.addEventListener('submit', (event) => event.preventDefault());
for (const button of document.querySelectorAll('button[data-copy]')) {
  const code = element(button.getAttribute('data-copy') ?? '');
  button.addEventListener('click', () => copy(/** @type {HTMLButtonElement} */ (button), code));
}
write();
pin().catch(() => {});
