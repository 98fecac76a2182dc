/** Subscribes this browser to a channel, and takes it off again: what a page needs, without a page. */

const WORKER = '/push/v1/worker.js';

/** @param {string} text base64url */
function bytes(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** A policy of our own, for pages that want every script's address approved. */
function trusted() {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  if (types === undefined) return WORKER;
  trusted.policy ??= types.createPolicy('ticker-push', { createScriptURL: () => WORKER });
  return trusted.policy.createScriptURL(WORKER);
}
/** @type {any} */
trusted.policy = undefined;

/**
 * The key that the server sends with; null when it sends no Web Push, or this browser takes none.
 * @returns {Promise<string | null>}
 */
export async function offered() {
  if (!('serviceWorker' in navigator) || !('PushManager' in globalThis)) return null;
  try {
    const answer = await fetch('/v1/push');
    return answer.ok ? (await answer.json()).webpush ?? null : null;
  } catch {
    return null;
  }
}

/**
 * Ask the reader, subscribe, and tell the server. Throws when the reader or the browser refuses.
 * @param {string} channel
 * @param {string} key as `offered` gave it
 * @param {object} [wants] `sections`, `regions`, `tags`, `topics`, `urgency`
 * @returns {Promise<string>} the id with which it is taken off again
 */
export async function subscribe(channel, key, wants = {}) {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('Notifications are not allowed.');
  const registration = await navigator.serviceWorker.register(trusted(), { type: 'module', scope: '/push/v1/' });
  await active(registration);
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const answer = await fetch(`/v1/channels/${encodeURIComponent(channel)}/subscriptions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...subscription.toJSON(), ...wants }),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail ?? `The server answered ${answer.status}.`);
  return (await answer.json()).id;
}

/**
 * Take this browser off a channel. Its subscription at the push service stays: other channels may use it.
 * @param {string} channel
 * @param {string} id
 */
export async function unsubscribe(channel, id) {
  const path = `/v1/channels/${encodeURIComponent(channel)}/subscriptions/${encodeURIComponent(id)}`;
  const answer = await fetch(path, { method: 'DELETE' });
  // It may be gone already, which is what is wanted.
  if (!answer.ok && answer.status !== 404) throw new Error(`The server answered ${answer.status}.`);
}

/** @param {ServiceWorkerRegistration} registration */
function active(registration) {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (worker === null || worker.state === 'activated') return Promise.resolve();
  return new Promise((resolve) => {
    worker.addEventListener('statechange', () => worker.state === 'activated' && resolve(undefined));
  });
}
