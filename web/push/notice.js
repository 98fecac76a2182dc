/** What a browser shows of a notice: free of any page and of any service worker, so that it can be tested as it is. */

/**
 * @typedef {object} Told what the server sent
 * @property {'alert' | 'update' | 'withdraw' | 'clear'} action
 * @property {string} id
 * @property {number} version
 * @property {string} channel
 * @property {string} title
 * @property {string} body
 * @property {string} lang
 * @property {'ltr' | 'rtl'} dir
 * @property {string} tag
 * @property {boolean} silent
 * @property {string} [url]
 */

/** @typedef {{version: number, url?: string, told: Told}} Data what is kept with a notification */

/**
 * The notice in these bytes, or null when they hold none of ours.
 * @param {string} text
 * @returns {Told | null}
 */
export function parse(text) {
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    return null;
  }
  const fine = told !== null && typeof told === 'object'
    && ['alert', 'update', 'withdraw', 'clear'].includes(told.action)
    && typeof told.id === 'string' && typeof told.tag === 'string'
    && Number.isInteger(told.version) && told.version > 0
    && typeof told.title === 'string' && typeof told.body === 'string';
  return fine ? told : null;
}

/**
 * What stands after a notice, beside what stands already.
 *
 * Push services may deliver twice and, rarely, in another order: what is not newer changes nothing. A browser wants to
 * see something shown for each push, so what stands is shown again, in silence.
 * @param {Told} told
 * @param {Data[]} standing what is kept with the notifications of this tag
 * @returns {{show: Told, renotify: boolean, silent: boolean} | {close: true}}
 */
export function decide(told, standing) {
  const newest = standing.reduce((found, data) => (found === null || data.version > found.version ? data : found),
    /** @type {Data | null} */ (null));
  if (newest !== null && newest.version >= told.version) {
    return { show: newest.told, renotify: false, silent: true };
  }
  if (told.action === 'clear') return { close: true };
  const loud = told.action === 'alert' && !told.silent;
  return { show: told, renotify: loud && newest !== null, silent: !loud };
}

/**
 * The options of a notification.
 * @param {Told} told
 * @param {{renotify: boolean, silent: boolean}} how
 * @returns {NotificationOptions}
 */
export function options(told, how) {
  return /** @type {NotificationOptions} */ ({
    body: told.body,
    lang: told.lang,
    dir: told.dir === 'rtl' ? 'rtl' : 'ltr',
    tag: told.tag,
    renotify: how.renotify,
    silent: how.silent,
    data: /** @type {Data} */ ({ version: told.version, url: link(told.url), told }),
  });
}

/**
 * An address that may be opened: https, and nothing else.
 * @param {unknown} url
 * @returns {string | undefined}
 */
export function link(url) {
  try {
    const found = new URL(String(url));
    return found.protocol === 'https:' ? found.href : undefined;
  } catch {
    return undefined;
  }
}
