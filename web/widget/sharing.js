/**
 * One line for all widgets of a page that want the same, and for all tabs of a site: the tab that holds a lock has the
 * line and tells the others what comes. When it is closed the next one holds the lock, and goes on from its cursor.
 */

import { Connection } from './connection.js';
import { Window } from './window.js';

/** @import { Line, Status } from './connection.js' */

/** More than a widget can hold, so that each finds in it what it wants. */
const MOST = 100;
/** Two heartbeats and some slack, and more than the leader itself waits before it says that its line is dead. */
const SILENCE_MS = 70_000;
/** A leader that does not answer within this time hangs, or is not there: this tab takes a line of its own. */
const ANSWER_MS = 3_000;

/** By what they ask for. @type {Map<string, Source>} */
const sources = new Map();

/**
 * @typedef {object} Listener one widget's end of a line that it may share
 * @property {() => void} stop
 * @property {() => void} wake
 * @property {() => void} lost
 * @property {(cursor: string) => void} seen
 */

/**
 * Listen to a line; the same one for all who ask for the same.
 * @param {Line} line
 * @returns {Listener}
 */
export function share(line) {
  // A widget of another version may speak otherwise with its like.
  const key = `ticker 1 ${JSON.stringify(line)}`;
  const source = sources.get(key) ?? new Source(key, line);
  sources.set(key, source);
  source.add(line);
  return {
    stop: () => source.remove(line),
    wake: () => source.wake(),
    lost: () => source.lost(),
    seen: (cursor) => source.seen(line, cursor),
  };
}

class Source {
  /** @type {string} */ #key;
  /** @type {Line} */ #line;
  /** @type {Set<Line>} */ #lines = new Set();
  /** What stands, for whoever comes later. */ #window = new Window(MOST);
  /** What the frames said last, and when: cursor, language, direction, heard, skew. @type {any} */ #last = {};
  /** @type {Status} */ #status = 'connecting';
  /** Set while this tab has the line. @type {Connection|null} */ #connection = null;
  /** @type {BroadcastChannel|null} */ #air = null;
  /** Ends the waiting for the lock. @type {AbortController|null} */ #wait = null;
  /** Gives the lock back; null without it. @type {(() => void)|null} */ #release = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  #here = false;

  /**
   * @param {string} key
   * @param {Line} line
   */
  constructor(key, line) {
    this.#key = key;
    this.#line = line;
    // A page that is kept for the way back must not keep the line from the others.
    this.#attend(addEventListener);
  }

  /** @param {Line} line */
  add(line) {
    this.#lines.add(line);
    this.#join();
    line.onStatus(this.#status);
    if (this.#last.cursor) line.onFrame(this.#standing());
  }

  /** @param {Line} line */
  remove(line) {
    this.#lines.delete(line);
    // An element that is moved leaves and comes back at once.
    queueMicrotask(() => {
      if (this.#lines.size || sources.get(this.#key) !== this) return;
      sources.delete(this.#key);
      this.#attend(removeEventListener);
      this.#leave();
    });
  }

  /** @param {typeof addEventListener} change whether to begin with it or to end it */
  #attend(change) {
    change('pagehide', this.#leave);
    change('pageshow', this.#join);
  }

  wake() {
    if (this.#connection) this.#connection.wake();
    else this.#ask();
  }

  lost() {
    this.#connection?.lost();
  }

  /**
   * Of several widgets that share a line the first one tells, so that each alert is told of once.
   * @param {Line} line
   * @param {string} cursor
   */
  seen(line, cursor) {
    if ([...this.#lines][0] === line) this.#connection?.seen(cursor);
  }

  #join = () => {
    if (this.#here) return;
    this.#here = true;
    try {
      this.#air = new BroadcastChannel(this.#key);
      this.#air.onmessage = ({ data }) => this.#receive(data);
      this.#queue();
    } catch {
      // Without a secure context there are no locks: everybody has a line of his own.
      this.#air?.close();
      this.#air = null;
      this.#lead();
    }
  };

  #leave = () => {
    this.#here = false;
    clearTimeout(this.#timer);
    this.#wait?.abort();
    this.#resign();
    this.#release?.();
    this.#air = this.#release = this.#air?.close() ?? null;
  };

  /** Waits for the lock, to hold it until this page is left. */
  #queue() {
    const { signal } = (this.#wait = new AbortController());
    const held = () =>
      new Promise((/** @type {(value?: any) => void} */ done) => {
        this.#release = done;
        this.#lead();
      });
    navigator.locks.request(this.#key, { signal }, held).catch(() => signal.aborted || this.#lead());
    this.#ask();
  }

  /** Asks the leader for what is missing here. */
  #ask() {
    this.#send({ ask: this.#last.cursor ?? null });
    this.#watch(ANSWER_MS, () => this.#lead());
  }

  /**
   * @param {number} ms
   * @param {() => void} run
   */
  #watch(ms, run) {
    clearTimeout(this.#timer);
    if (this.#air && !this.#connection) this.#timer = setTimeout(run, ms);
  }

  #lead() {
    clearTimeout(this.#timer);
    if (this.#connection || !this.#here) return;
    this.#connection = new Connection({
      ...this.#line,
      onFrame: (frame) => {
        this.#hear(frame);
        this.#send({ frame });
      },
      onStatus: (status) => {
        this.#turn(status);
        this.#send({ status });
      },
    });
    this.#connection.start(this.#last.cursor ?? null);
  }

  #resign() {
    this.#connection?.stop();
    this.#connection = null;
  }

  /** @param {object} what */
  #send(what) {
    this.#air?.postMessage({ holds: Boolean(this.#release), ...what });
  }

  /** @param {any} data what another tab says */
  #receive({ ask, holds, frame, status }) {
    // Who took a leader for dead gives way to it.
    if (holds && !this.#release) this.#resign();
    if (this.#connection) {
      if (ask === undefined) return;
      // Somebody looks, so the line has to live.
      this.#connection.wake();
      const behind = this.#last.cursor && ask !== this.#last.cursor;
      this.#send({ status: this.#status, frame: behind && this.#standing() });
      return;
    }
    if (ask !== undefined) return;
    this.#watch(SILENCE_MS, () => this.#ask());
    // Entries alone are not the whole.
    if (frame?.items || (frame && this.#last.cursor)) this.#hear(frame);
    else if (frame) this.#ask();
    if (status) this.#turn(status);
  }

  /** @param {any} frame */
  #hear(frame) {
    const { type, cursor, language, direction, items, entries } = frame;
    const last = this.#last;
    if (!frame.stale) last.heard = frame.heard ?? Date.now();
    if (cursor) last.cursor = cursor;
    if (language) Object.assign(last, { language, direction });
    last.skew = skewOf(frame, last.heard) ?? last.skew;
    if (items) this.#window.load(items, goneOf(frame));
    for (const entry of type === 'entry' ? [frame] : entries ?? []) this.#window.apply(entry);
    for (const line of this.#lines) line.onFrame(frame);
  }

  /** @param {Status} status */
  #turn(status) {
    if (status === this.#status) return;
    this.#status = status;
    for (const line of this.#lines) line.onStatus(status);
  }

  /** What stands, as one frame. */
  #standing() {
    const { items, gone } = this.#window;
    return {
      ...this.#last,
      type: 'reset',
      items,
      gone,
    };
  }
}

/**
 * The tombstones of a frame, as the window takes them.
 * @param {any} frame
 * @returns {[string, number][]}
 */
export const goneOf = ({ gone, tombstones = [], versions = [] }) =>
  gone ?? tombstones.map((/** @type {string} */ id, /** @type {number} */ place) => [id, versions[place] ?? Infinity]);

/**
 * The server's clock minus ours, in milliseconds; undefined where a frame does not tell.
 * @param {any} frame
 * @param {number} heard when it came
 * @returns {number|undefined}
 */
export const skewOf = ({ skew, time }, heard) => skew ?? (time ? Date.parse(time) - heard : undefined);
