/**
 * The line to one channel: a WebSocket that comes back by itself, and polling where none can be had.
 * It knows cursors and close codes, not what an item is. No DOM.
 */

/**
 * @typedef {'connecting'|'live'|'stale'|'polling'|'offline'} Status
 *
 * @typedef {object} Browser what it needs of the browser; a test brings its own clock and transport
 * @property {typeof WebSocket} WebSocket
 * @property {typeof fetch} fetch
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random in [0, 1)
 * @property {() => number} now milliseconds
 *
 * @typedef {object} Line
 * @property {string} src address of the server
 * @property {string} channel
 * @property {Record<string, string[]>} [filters] section, region, tag, urgency
 * @property {(frame: any) => void} onFrame
 * @property {(status: Status) => void} onStatus
 */

/** Two heartbeats of 25 s and some slack: a line silent for longer is dead, whatever the browser believes. */
const SILENCE_MS = 55_000;
const OPENING_MS = 15_000;
/** A line that opens and drops at once must not start the back-off afresh, or it hammers a broken server. */
const STABLE_MS = 5_000;
const POLL_MS = 10_000;
const FAILURES_BEFORE_POLLING = 3;

/** @returns {Browser} */
const browser = () => ({
  WebSocket: globalThis.WebSocket,
  fetch: globalThis.fetch.bind(globalThis),
  setTimeout: globalThis.setTimeout.bind(globalThis),
  clearTimeout: globalThis.clearTimeout.bind(globalThis),
  random: Math.random,
  now: Date.now,
});

export class Connection {
  /** @type {Line} */ #line;
  /** @type {Browser} */ #browser;
  /** The newest position seen; null asks for a snapshot. @type {string|null} */ #cursor = null;
  /** @type {WebSocket|null} */ #socket = null;
  /** Retry, silence and poll: one timer each. @type {Map<string, any>} */ #timers = new Map();
  /** @type {AbortController|null} */ #request = null;
  /** @type {Status|null} */ #status = null;
  #bounds = { min_ms: 500, max_ms: 30_000 };
  /** Attempts since the last stable line. */ #failures = 0;
  /** When this line brought its first frame; 0 while there is none. */ #upSince = 0;
  #heardAt = 0;
  #polling = false;
  /** Whether this one is among those who tell what they have shown; null until the server has asked. @type {boolean|null} */
  #asked = null;
  /** The server closed with a code that says: do not come back. */ #refused = false;
  #stopped = true;

  /**
   * @param {Line} line
   * @param {Partial<Browser>} [parts]
   */
  constructor(line, parts = {}) {
    this.#line = line;
    this.#browser = { ...browser(), ...parts };
  }

  get cursor() {
    return this.#cursor;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#say('connecting');
    this.#open();
  }

  /**
   * The reader has been shown the entry with this cursor: told to the server when it asked for that.
   * @param {string} cursor
   */
  seen(cursor) {
    if (this.#asked && this.#upSince) this.#socket?.send(JSON.stringify({ type: 'seen', cursor }));
  }

  /** Leaves no socket, no timer and no request. */
  stop() {
    this.#stopped = true;
    this.#polling = this.#refused = false;
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
    this.#request?.abort();
    this.#drop();
    this.#status = null;
  }

  /** The network is back, or the page is looked at again: try now instead of when the timer says. */
  wake() {
    if (this.#stopped) return;
    if (this.#socket && this.#browser.now() - this.#heardAt > SILENCE_MS) this.#silent();
    if (this.#polling && !this.#request) this.#later('poll', 0, () => this.#poll());
    if (!this.#socket && !this.#refused) this.#open();
  }

  /** @param {string} what */
  #address(what) {
    const { src, channel, filters = {} } = this.#line;
    const url = new URL(`v1/channels/${encodeURIComponent(channel)}/${what}`, src.endsWith('/') ? src : `${src}/`);
    for (const [name, values] of Object.entries(filters)) {
      for (const value of values) url.searchParams.append(name, value);
    }
    return url;
  }

  #open() {
    this.#cancel('retry');
    const url = this.#address('live');
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    if (this.#cursor) url.searchParams.set('cursor', this.#cursor);
    const socket = new this.#browser.WebSocket(url.href);
    this.#socket = socket;
    this.#upSince = 0;
    this.#heardAt = this.#browser.now();
    this.#later('silence', OPENING_MS, () => this.#closed(1006, ''));
    socket.onopen = () => this.#listen();
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #listen() {
    this.#heardAt = this.#browser.now();
    this.#later('silence', SILENCE_MS, () => this.#silent());
  }

  #silent() {
    this.#say('stale');
    this.#closed(1006, '');
  }

  /** @param {unknown} data */
  #hear(data) {
    this.#listen();
    let frame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      return;
    }
    switch (frame?.type) {
      case 'snapshot':
      case 'resume':
      case 'reset':
        this.#caughtUp();
        break;
      case 'heartbeat':
        // The line may live while the server itself hears nothing.
        this.#say(frame.stale ? 'stale' : 'live');
        break;
      case 'entry':
        break;
      default:
        return;
    }
    this.#take(frame);
  }

  #caughtUp() {
    this.#upSince = this.#browser.now();
    this.#polling = false;
    this.#cancel('poll');
    this.#request?.abort();
    this.#say('live');
  }

  /** @param {any} frame */
  #take(frame) {
    if (typeof frame.cursor === 'string') this.#cursor = frame.cursor;
    const { min_ms: min, max_ms: max } = frame.reconnect ?? {};
    if (min >= 0 && max >= min) this.#bounds = { min_ms: min, max_ms: max };
    // Drawn once: whoever drew anew with each line would be asked in the end.
    if (frame.receipts > 0) this.#asked ??= this.#browser.random() < frame.receipts;
    this.#line.onFrame(frame);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #closed(code, reason) {
    this.#drop();
    const now = this.#browser.now();
    if (this.#upSince && now - this.#upSince >= STABLE_MS) this.#failures = 0;
    this.#upSince = 0;
    if (code === 4010) this.#cursor = null;
    if (code >= 4500 && code <= 4999) {
      this.#refused = true;
      this.#startPolling();
      return;
    }
    this.#later('retry', this.#delay(code, reason), () => this.#open());
    this.#failures += 1;
    if (this.#failures >= FAILURES_BEFORE_POLLING) this.#startPolling();
    else if (this.#status === 'live') this.#say('connecting');
  }

  /**
   * Spread from the first retry on: after a crash all readers come at once, and only chance keeps them apart.
   * @param {number} code
   * @param {string} reason
   */
  #delay(code, reason) {
    if (code === 1012) {
      try {
        const asked = JSON.parse(reason).retry_ms;
        if (asked >= 0 && Number.isFinite(asked)) return asked;
      } catch {
        // A reason that is no JSON asks for nothing in particular.
      }
    }
    const { min_ms: min, max_ms: max } = this.#bounds;
    const most = Math.min(max, Math.max(min, 1) * 2 ** (this.#failures + 2));
    return min + this.#browser.random() * (most - min);
  }

  #startPolling() {
    if (this.#polling) return;
    this.#polling = true;
    if (this.#status === 'live') this.#say('connecting');
    // Somebody who sees nothing yet waits at most a second; the others spread over a whole interval.
    const within = this.#cursor ? POLL_MS : 1_000;
    this.#later('poll', this.#browser.random() * within, () => this.#poll());
  }

  async #poll() {
    this.#request = new AbortController();
    const { signal } = this.#request;
    try {
      // The browser's own cache sends If-None-Match and understands 304; set by hand, the header would cost a
      // preflight on every foreign page.
      const answer = await this.#browser.fetch(this.#address('items').href, {
        cache: 'no-cache',
        credentials: 'omit',
        signal,
      });
      if (!answer.ok) throw new Error(`polling was answered ${answer.status}`);
      const window = await answer.json();
      if (signal.aborted) return;
      this.#heardAt = this.#browser.now();
      this.#say('polling');
      if (window.cursor === undefined || window.cursor !== this.#cursor) this.#take({ ...window, type: 'snapshot' });
    } catch {
      if (!signal.aborted) this.#say('offline');
    } finally {
      this.#request = null;
      if (this.#polling) this.#later('poll', POLL_MS * (0.75 + this.#browser.random() / 2), () => this.#poll());
    }
  }

  #drop() {
    this.#cancel('silence');
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /**
   * @param {string} name
   * @param {number} ms
   * @param {() => void} run
   */
  #later(name, ms, run) {
    this.#cancel(name);
    this.#timers.set(name, this.#browser.setTimeout(() => {
      this.#timers.delete(name);
      run();
    }, ms));
  }

  /** @param {string} name */
  #cancel(name) {
    this.#browser.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  /** @param {Status} status */
  #say(status) {
    if (this.#stopped || status === this.#status) return;
    this.#status = status;
    this.#line.onStatus(status);
  }
}
