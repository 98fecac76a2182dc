/** The part of the demo page that subscribes: there only when the server sends Web Push and the browser takes it. */

import { offered, subscribe, unsubscribe } from '/push/v1/subscribe.js';

const section = /** @type {HTMLElement} */ (document.getElementById('push'));
const button = /** @type {HTMLButtonElement} */ (section.querySelector('button'));
const said = /** @type {HTMLElement} */ (section.querySelector('output'));
const channel = /** @type {HTMLSelectElement} */ (section.querySelector('select'));

/** @param {string} name */
const place = (name) => `ticker-push-${name}`;

function show() {
  const on = localStorage.getItem(place(channel.value)) !== null;
  button.textContent = on ? 'Stop alerts' : 'Get alerts';
  button.setAttribute('aria-pressed', String(on));
}

const key = await offered();
if (key !== null) {
  section.hidden = false;
  channel.addEventListener('change', () => {
    said.textContent = '';
    show();
  });
  button.addEventListener('click', async () => {
    button.disabled = true;
    said.textContent = '';
    const id = localStorage.getItem(place(channel.value));
    try {
      if (id === null) {
        localStorage.setItem(place(channel.value), await subscribe(channel.value, key));
        said.textContent = 'This browser is told of new alerts.';
      } else {
        await unsubscribe(channel.value, id);
        localStorage.removeItem(place(channel.value));
        said.textContent = 'This browser is told of nothing more.';
      }
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      button.disabled = false;
      show();
    }
  });
  show();
}
