/** The demo page: the words for the state of each line, and code to copy that carries this page's own address. */

import '/widget/v1/breaking-ticker.js';

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  en: { connecting: 'connecting', live: 'live', stale: 'out of date', polling: 'every 10 s', offline: 'offline' },
  ar: { connecting: 'جارٍ الاتصال', live: 'مباشر', stale: 'غير محدَّث', polling: 'كل 10 ثوانٍ', offline: 'غير متصل' },
  es: { connecting: 'conectando', live: 'en vivo', stale: 'desactualizado', polling: 'cada 10 s', offline: 'sin conexión' },
};

/** A headline to post, in the language of each channel. */
const EXAMPLES = /** @type {Record<string, string>} */ ({
  en: 'Ceasefire signed in Geneva',
  ar: 'توقيع وقف إطلاق النار في جنيف',
  es: 'Firmado el alto el fuego en Ginebra',
});

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

/** @param {string} name */
function chosen(name) {
  return /** @type {HTMLInputElement} */ (document.querySelector(`input[name=${name}]:checked`)).value;
}

/**
 * One tag of the snippet: where it does not fit on one line, it breaks between the tags.
 * @param {string} text
 */
function piece(text) {
  const span = document.createElement('span');
  span.textContent = text;
  return span;
}

function write() {
  const channel = chosen('channel');
  element('bar').setAttribute('channel', channel);
  const mode = chosen('mode') === 'list' ? ' mode="list"' : '';
  const script = `<script type="module" src="${origin}/widget/v1/breaking-ticker.js"></script>`;
  element('snippet').replaceChildren(piece(script), piece(`<breaking-ticker channel="${channel}"${mode}></breaking-ticker>`));
  element('curl').textContent = [
    `curl ${origin}/v1/channels/${channel}/items \\`,
    '  -H "Authorization: Bearer $TICKER_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify({ attribution: 'Reuters', headline: EXAMPLES[channel] })}'`,
  ].join('\n');
  element('command').textContent = `TICKER_URL=${origin} ticker post ${channel} "${EXAMPLES[channel]}" --attribution Reuters`;
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

document.addEventListener('change', write);
for (const button of document.querySelectorAll('button[data-copy]')) {
  const code = element(button.getAttribute('data-copy') ?? '');
  button.addEventListener('click', () => copy(/** @type {HTMLButtonElement} */ (button), code));
}
write();
