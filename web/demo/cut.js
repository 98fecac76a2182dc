/**
 * A switch in the line of this page. The widget opens its line with what the page has, so what the page has is replaced
 * here, before the widget is loaded. What is cut is this page's line alone; the server and all others go on.
 */

const { BroadcastChannel: Air, EventSource: Events, WebSocket: Socket, fetch: ask } = globalThis;
const REFUSED_MS = 50;

let cut = false;

/** A line that breaks before it stands. */
class Broken {
  /** @type {((event: object) => void)|null} */ onclose = null;
  /** @type {((event: object) => void)|null} */ onerror = null;

  constructor() {
    setTimeout(() => (this.onclose ?? this.onerror)?.({ code: 1006, reason: '' }), REFUSED_MS);
  }

  addEventListener() {}

  close() {}
}

class BrokenSocket extends Broken {
  send() {}
}

/** @template T @param {T} real @param {any} broken @returns {T} */
const switched = (real, broken) =>
  /** @type {any} */ (new Proxy(/** @type {any} */ (real), { construct: (target, values) => new (cut ? broken : target)(...values) }));

Object.assign(globalThis, {
  WebSocket: switched(Socket, BrokenSocket),
  EventSource: switched(Events, Broken),
  // Asking for what stands is part of the line. What somebody posts here is not.
  fetch: (/** @type {RequestInfo} */ what, /** @type {RequestInit} */ how = {}) =>
    cut && !how.method ? Promise.reject(new TypeError('The line of this page is cut.')) : ask(what, how),
});
// Another tab would go on telling this one what comes.
if (Air) Reflect.deleteProperty(globalThis, 'BroadcastChannel');

/** @param {boolean} whether */
export function cutLine(whether) {
  cut = whether;
  // What a browser says when it loses its network, and when it has it again.
  dispatchEvent(new Event(cut ? 'offline' : 'online'));
}
