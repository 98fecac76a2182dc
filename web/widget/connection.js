/**
 * The line to one channel: a WebSocket, server-sent events where none gets through, polling where neither does, and
 * back up again. It knows cursors and close codes, not what an item is. No DOM.
 */

/**
 * @typedef {'connecting'|'live'|'stale'|'polling'|'offline'} Status
 *
 * @typedef {object} Line
 * @property {string} src address of the server
 * @property {string} channel
 * @property {Record<string, string[]>} [filters] section, region, tag, urgency
 * @property {(frame: any) => void} onFrame
 * @property {(status: Status) => void} onStatus
 * @property {string} [stream] `desk` for pages of the newsroom; the readers' `live` without it
 * @property {(code: number) => void} [onRefused] the server says not to come back
 *
 * @typedef {WebSocket|EventSource} Wire
 */

/** Two heartbeats of 25 s and some slack: a line silent for longer is dead, whatever the browser believes. */
const SILENCE_MS = 55_000;
const OPENING_MS = 15_000;
/** Somebody who has seen nothing yet does not wait for a line that a proxy swallows. */
const PATIENCE_MS = 4_000;
/** A line that opens and drops at once must not start the back-off afresh, or it hammers a broken server. */
const STABLE_MS = 5_000;
const POLL_MS = 10_000;
/** How soon a WebSocket is tried again where events are what got through. */
const CLIMB_MS = 60_000;
const FAILURES_BEFORE_POLLING = 3;

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

export class Connection {
  /** @type {Line} */ #line;
  /** The newest position seen; null asks for a snapshot. @type {string|null} */ #cursor = null;
  /** What is listened to. @type {Wire|null} */ #wire = null;
  /** A WebSocket that may take the place of events. @type {Wire|null} */ #probe = null;
  /** Whether the wire, or the next one, is one of events. */ #events = false;
  /** Whether events are what last got through. */ #prefer = false;
  /** One of each name. @type {Map<string, any>} */ #timers = new Map();
  /** @type {AbortController|null} */ #request = null;
  /** @type {Status|null} */ #status = null;
  #bounds = { min_ms: 500, max_ms: 30_000 };
  /** Attempts since the last stable line. */ #failures = 0;
  /** Attempts in vain to leave the events. */ #climbs = 0;
  /** When this line brought its first frame; 0 while there is none. */ #upSince = 0;
  #heardAt = 0;
  #polling = false;
  /** Whether this one is among those who tell what they have shown; null until the server has asked. @type {boolean|null} */
  #asked = null;
  /** The server closed with a code that says: do not come back. */ #refused = false;
  #stopped = true;

  /** @param {Line} line */
  constructor(line) {
    this.#line = line;
  }

  get cursor() {
    return this.#cursor;
  }

  /** @param {string|null} [cursor] where to go on; without one, from a snapshot */
  start(cursor = this.#cursor) {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#cursor = cursor;
    this.#say('connecting');
    if (!cursor) this.#later('poll', PATIENCE_MS, () => this.#startPolling());
    this.#open();
  }

  /**
   * The reader has been shown the entry with this cursor: told to the server when it asked for that.
   * @param {string} cursor
   */
  seen(cursor) {
    const wire = this.#wire;
    if (this.#asked && this.#upSince && wire && 'send' in wire) wire.send(JSON.stringify({ type: 'seen', cursor }));
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
    if (this.#wire && Date.now() - this.#heardAt > SILENCE_MS) this.#silent();
    if (this.#polling && !this.#request) this.#later('poll', 0, () => this.#poll());
    if (!this.#wire && !this.#refused) this.#open();
  }

  /** The browser has lost its network: what is open is dead, though nobody has told it so. */
  lost() {
    if (this.#stopped) return;
    this.#say('offline');
    if (this.#wire) this.#closed(this.#wire, 1006);
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
    this.#upSince = 0;
    this.#heardAt = Date.now();
    // From the third attempt on each other one goes the other way.
    this.#events = this.#prefer !== (this.#failures > 1 && this.#failures % 2 === 0);
    const wire = (this.#wire = this.#dial(this.#events));
    this.#later('silence', OPENING_MS, () => this.#closed(wire, 1006));
  }

  /** @param {boolean} events */
  #dial(events) {
    const url = this.#address(this.#line.stream ?? 'live');
    if (this.#cursor) url.searchParams.set('cursor', this.#cursor);
    if (!events) url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    const wire = new (events ? EventSource : WebSocket)(url.href);
    wire.onmessage = (/** @type {MessageEvent} */ { data }) => this.#hear(wire, data);
    wire.onopen = () => wire === this.#wire && this.#listen();
    if ('send' in wire) wire.onclose = ({ code, reason }) => this.#closed(wire, code, reason);
    else {
      // Left to itself it would come back after a time of its own, together with everybody else.
      wire.onerror = () => this.#closed(wire, 1006);
      wire.addEventListener('close', ({ data }) => {
        const { code, reason } = parsed(data);
        this.#closed(wire, code, reason);
      });
    }
    return wire;
  }

  #listen() {
    this.#heardAt = Date.now();
    this.#later('silence', SILENCE_MS, () => this.#silent());
  }

  #silent() {
    this.#say('stale');
    if (this.#wire) this.#closed(this.#wire, 1006);
  }

  /**
   * @param {Wire} wire
   * @param {unknown} data
   */
  #hear(wire, data) {
    const frame = parsed(String(data));
    const first = ['snapshot', 'resume', 'reset'].includes(frame.type);
    if (wire === this.#probe && first) {
      this.#probe = null;
      this.#drop();
      this.#wire = wire;
      this.#events = false;
    }
    if (wire !== this.#wire) return;
    this.#listen();
    if (first) this.#caughtUp();
    // The line may live while the server itself hears nothing.
    else if (frame.type === 'heartbeat') this.#say(frame.stale ? 'stale' : 'live');
    else if (frame.type !== 'entry') return;
    this.#take(frame);
  }

  #caughtUp() {
    this.#upSince = Date.now();
    this.#polling = false;
    this.#cancel('poll');
    this.#request?.abort();
    this.#prefer = this.#events;
    if (this.#events) this.#climb();
    else this.#climbs = 0;
    this.#say('live');
  }

  /** Tries a WebSocket beside the events, now and then; what it brings first is what was missed. */
  #climb() {
    const ms = CLIMB_MS * 2 ** Math.min(3, this.#climbs++) * (0.5 + Math.random());
    this.#later('climb', ms, () => {
      const probe = (this.#probe = this.#dial(false));
      this.#later('probe', OPENING_MS, () => this.#closed(probe, 1006));
    });
  }

  /** @param {any} frame */
  #take(frame) {
    if (typeof frame.cursor === 'string') this.#cursor = frame.cursor;
    const { min_ms: min, max_ms: max } = frame.reconnect ?? {};
    if (min >= 0 && max >= min) this.#bounds = { min_ms: min, max_ms: max };
    // Drawn once: whoever drew anew with each line would be asked in the end.
    if (frame.receipts > 0) this.#asked ??= Math.random() < frame.receipts;
    this.#line.onFrame(frame);
  }

  /**
   * @param {Wire} wire
   * @param {number} code
   * @param {string} [reason]
   */
  #closed(wire, code, reason = '') {
    if (wire === this.#probe) {
      this.#probe = this.#end(wire);
      this.#cancel('probe');
      this.#climb();
    }
    if (wire !== this.#wire) return;
    this.#drop();
    const now = Date.now();
    if (this.#upSince && now - this.#upSince >= STABLE_MS) this.#failures = 0;
    this.#upSince = 0;
    if (code === 4010) this.#cursor = null;
    if (code >= 4500 && code <= 4999) {
      this.#refused = true;
      this.#line.onRefused?.(code);
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
      const asked = parsed(reason).retry_ms;
      if (asked >= 0 && Number.isFinite(asked)) return asked;
    }
    const { min_ms: min, max_ms: max } = this.#bounds;
    const most = Math.min(max, Math.max(min, 1) * 2 ** (this.#failures + 2));
    return min + Math.random() * (most - min);
  }

  #startPolling() {
    if (this.#polling) return;
    this.#polling = true;
    if (this.#status === 'live') this.#say('connecting');
    // Somebody who sees nothing yet waits at most a second; the others spread over a whole interval.
    const within = this.#cursor ? POLL_MS : 1_000;
    this.#later('poll', Math.random() * within, () => this.#poll());
  }

  async #poll() {
    this.#request = new AbortController();
    const { signal } = this.#request;
    try {
      // The browser's own cache sends If-None-Match and understands 304; set by hand, the header would cost a
      // preflight on every foreign page.
      const answer = await fetch(this.#address('items').href, {
        cache: 'no-cache',
        credentials: 'omit',
        signal,
      });
      if (!answer.ok) throw 0;
      const window = await answer.json();
      if (signal.aborted) return;
      this.#heardAt = Date.now();
      this.#say('polling');
      if (window.cursor === undefined || window.cursor !== this.#cursor) {
        this.#take({ time: answer.headers?.get('Date'), ...window, type: 'snapshot' });
      }
    } catch {
      if (!signal.aborted) this.#say('offline');
    } finally {
      this.#request = null;
      if (this.#polling) this.#later('poll', POLL_MS * (0.75 + Math.random() / 2), () => this.#poll());
    }
  }

  #drop() {
    for (const name of ['silence', 'climb', 'probe']) this.#cancel(name);
    this.#wire = this.#end(this.#wire);
    this.#probe = this.#end(this.#probe);
  }

  /** @param {Wire|null} wire */
  #end(wire) {
    if (wire) {
      wire.onopen = wire.onmessage = wire.onerror = null;
      if ('send' in wire) wire.onclose = null;
      wire.close();
    }
    return null;
  }

  /**
   * @param {string} name
   * @param {number} ms
   * @param {() => void} run
   */
  #later(name, ms, run) {
    this.#cancel(name);
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      run();
    }, ms));
  }

  /** @param {string} name */
  #cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  /** @param {Status} status */
  #say(status) {
    if (this.#stopped || status === this.#status) return;
    this.#status = status;
    this.#line.onStatus(status);
  }
}
