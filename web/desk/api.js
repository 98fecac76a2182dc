/** Requests to the API, in the session's name. The cookie is the browser's matter: no script can read it. No DOM. */

const PATIENCE_MS = 8_000;

/** The request got no answer, or one that says: not now. Whether it was done, nobody knows. */
export class Lost extends Error {
  /** @param {string} why @param {number} [after] milliseconds after which it may be sent again */
  constructor(why, after = 0) {
    super(why);
    this.after = after;
  }
}

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} path
 * @property {any} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal] ends it before its time; it is lost then
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {boolean} ok
 * @property {any} document
 * @property {string} problem the end of a refusal's type; empty when it was taken
 */

/** Gateways and servers that stop; what a second try may do better. */
const LATER = new Set([408, 425, 429, 502, 503, 504]);

/**
 * @param {Request} request
 * @param {typeof fetch} [ask]
 * @returns {Promise<Answer>} also when it was refused; throws Lost
 */
export async function send({ method, path, body, headers = {}, signal }, ask = fetch) {
  let answer;
  try {
    answer = await ask(path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])]),
    });
    const document = answer.status === 204 ? null : await answer.json();
    if (LATER.has(answer.status)) throw new Lost(document?.detail ?? '', 1000 * Number(answer.headers.get('Retry-After') ?? 0));
    const problem = answer.ok ? '' : String(document?.type ?? 'unknown').split(':').pop();
    return { status: answer.status, ok: answer.ok, document, problem: problem ?? 'unknown' };
  } catch (error) {
    if (error instanceof Lost) throw error;
    throw new Lost(answer && LATER.has(answer.status) ? answer.statusText : '');
  }
}

/** @param {string} path */
export const get = (path) => send({ method: 'GET', path });

/** @param {string} channel @param {string} [item] @param {string} [what] */
export const address = (channel, item = '', what = '') =>
  ['/v1/channels', encodeURIComponent(channel), ...(item ? ['items', encodeURIComponent(item)] : []), ...(what ? [what] : [])].join('/');
