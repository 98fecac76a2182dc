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

/** The timers; there is one of each. */
const RETRY = 0;
const SILENCE = 1;
const CLIMB = 2;
const PROBE = 3;
const POLL = 4;

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
  /** Their numbers for the browser, by ours. @type {any[]} */ #timers = [];
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
    if (!cursor) this.#later(POLL, PATIENCE_MS, () => this.#startPolling());
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
    for (const timer of this.#timers) clearTimeout(timer);
    this.#request?.abort();
    this.#drop();
    this.#status = null;
  }

  /** The network is back, or the page is looked at again: try now instead of when the timer says. */
  wake() {
    if (this.#stopped) return;
    if (this.#wire && Date.now() - this.#heardAt > SILENCE_MS) this.#dead('stale');
    if (this.#polling && !this.#request) this.#later(POLL, 0, () => this.#poll());
    if (!this.#wire && !this.#refused) this.#open();
  }

  /** The browser has lost its network: what is open is dead, though nobody has told it so. */
  lost() {
    this.#dead('offline');
  }

  /** @param {string} what */
  #address(what) {
    const { src, channel, filters = {} } = this.#line;
    const url = new URL(`v1/channels/${encodeURIComponent(channel)}/${what}`, src.replace(/\/?$/, '/'));
    for (const [name, values] of Object.entries(filters)) {
      for (const value of values) url.searchParams.append(name, value);
    }
    return url;
  }

  #open() {
    this.#cancel(RETRY);
    this.#upSince = 0;
    this.#heardAt = Date.now();
    // From the third attempt on each other one goes the other way.
    this.#events = this.#prefer !== (this.#failures > 1 && this.#failures % 2 === 0);
    const wire = (this.#wire = this.#dial(this.#events));
    this.#later(SILENCE, OPENING_MS, () => this.#closed(wire));
  }

  /** @param {boolean} events */
  #dial(events) {
    const url = this.#address(this.#line.stream ?? 'live');
    if (this.#cursor) url.searchParams.append('cursor', this.#cursor);
    if (!events) url.protocol = url.protocol.replace('http', 'ws');
    const wire = new (events ? EventSource : WebSocket)(url.href);
    wire.onmessage = (/** @type {MessageEvent} */ { data }) => this.#hear(wire, data);
    wire.onopen = () => wire === this.#wire && this.#listen();
    if ('send' in wire) wire.onclose = ({ code, reason }) => this.#closed(wire, code, reason);
    else {
      // Left to itself it would come back after a time of its own, together with everybody else.
      wire.onerror = () => this.#closed(wire);
      wire.addEventListener('close', ({ data }) => {
        const { code, reason } = parsed(data);
        this.#closed(wire, code, reason);
      });
    }
    return wire;
  }

  #listen() {
    this.#heardAt = Date.now();
    this.#later(SILENCE, SILENCE_MS, () => this.#dead('stale'));
  }

  /** @param {Status} status */
  #dead(status) {
    this.#say(status);
    if (this.#wire) this.#closed(this.#wire);
  }

  /**
   * @param {Wire} wire
   * @param {string} data
   */
  #hear(wire, data) {
    const frame = parsed(data);
    const first = /^(snapshot|resume|reset)$/.test(frame.type);
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
    this.#cancel(POLL);
    this.#request?.abort();
    this.#prefer = this.#events;
    if (this.#events) this.#climb();
    else this.#climbs = 0;
    this.#say('live');
  }

  /** Tries a WebSocket beside the events, now and then; what it brings first is what was missed. */
  #climb() {
    const ms = CLIMB_MS * 2 ** Math.min(3, this.#climbs++) * (0.5 + Math.random());
    this.#later(CLIMB, ms, () => {
      const probe = (this.#probe = this.#dial(false));
      this.#later(PROBE, OPENING_MS, () => this.#closed(probe));
    });
  }

  /** @param {any} frame */
  #take(frame) {
    this.#cursor = frame.cursor || this.#cursor;
    const { reconnect } = frame;
    if (reconnect?.min_ms >= 0 && reconnect.max_ms >= reconnect.min_ms) this.#bounds = reconnect;
    // Drawn once: whoever drew anew with each line would be asked in the end.
    if (frame.receipts > 0) this.#asked ??= Math.random() < frame.receipts;
    this.#line.onFrame(frame);
  }

  /**
   * @param {Wire} wire
   * @param {number} [code] by default that of a line which broke
   * @param {string} [reason]
   */
  #closed(wire, code = 1006, reason = '') {
    if (wire === this.#probe) {
      this.#probe = this.#end(wire);
      this.#cancel(PROBE);
      this.#climb();
    }
    if (wire !== this.#wire) return;
    this.#drop();
    const now = Date.now();
    if (this.#upSince && now - this.#upSince >= STABLE_MS) this.#failures = 0;
    this.#upSince = 0;
    if (code === 4010) this.#cursor = null;
    if (code >= 4500 && code < 5000) {
      this.#refused = true;
      this.#line.onRefused?.(code);
      this.#startPolling();
      return;
    }
    this.#later(RETRY, this.#delay(code, reason), () => this.#open());
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
      if (asked >= 0 && asked < Infinity) return asked;
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
    this.#later(POLL, Math.random() * within, () => this.#poll());
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
      if (!window.cursor || window.cursor !== this.#cursor) {
        this.#take({ time: answer.headers?.get('Date'), ...window, type: 'snapshot' });
      }
    } catch {
      if (!signal.aborted) this.#say('offline');
    } finally {
      this.#request = null;
      if (this.#polling) this.#later(POLL, POLL_MS * (0.75 + Math.random() / 2), () => this.#poll());
    }
  }

  #drop() {
    for (const name of [SILENCE, CLIMB, PROBE]) this.#cancel(name);
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
   * @param {number} name
   * @param {number} ms
   * @param {() => void} run
   */
  #later(name, ms, run) {
    this.#cancel(name);
    this.#timers[name] = setTimeout(run, ms);
  }

  /** @param {number} name */
  #cancel(name) {
    clearTimeout(this.#timers[name]);
  }

  /** @param {Status} status */
  #say(status) {
    if (this.#stopped || status === this.#status) return;
    this.#status = status;
    this.#line.onStatus(status);
  }
}
