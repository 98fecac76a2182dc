/** The service worker that shows alerts: it is woken by the browser's push service, also when no page is open. */

import { decide, link, options, parse } from './notice.js';

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener('install', () => void worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener('push', (event) => event.waitUntil(show(event.data?.text() ?? '')));

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const url = link(event.notification.data?.url);
  event.waitUntil(worker.clients.openWindow(url ?? new URL('/', location.href).href));
});

/** @param {string} text */
async function show(text) {
  const told = parse(text);
  if (told === null) return;
  const standing = await worker.registration.getNotifications({ tag: told.tag });
  const next = decide(told, standing.map((notification) => notification.data).filter(Boolean));
  if ('close' in next) {
    for (const notification of standing) notification.close();
    return;
  }
  await worker.registration.showNotification(next.show.title, options(next.show, next));
}
