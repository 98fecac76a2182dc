/**
 * Sends one request until it is answered, and never makes two of it: it is kept, over a reload too, with the
 * `Idempotency-Key` under which every try is the same. No DOM; a test brings its own clock and transport.
 */

import { Lost } from './api.js';

/** @import { Answer, Request } from './api.js' */

const FIRST_MS = 400;
const LONGEST_MS = 5_000;
/** What has waited for longer is news no more: whoever wrote it is asked first. */
const STALE_MS = 10 * 60_000;

/**
 * @typedef {object} Waiting
 * @property {Request} request with its `Idempotency-Key`
 * @property {number} since when it was given up to be sent, by this machine's clock
 * @property {boolean} tried whether it may have arrived already
 * @property {any} about what the one who asked wants to know when it is answered
 *
 * @typedef {'idle'|'sending'|'waiting'|'locked'|'stale'} State `locked`: somebody has to log in first
 *
 * @typedef {object} Parts
 * @property {(request: Request) => Promise<Answer>} send throws Lost
 * @property {(waiting: Waiting|null) => void} keep
 * @property {(answer: Answer, waiting: Waiting) => void} answered
 * @property {(state: State, waiting: Waiting|null) => void} turned
 * @property {() => number} [now]
 * @property {(run: () => void, ms: number) => any} [setTimeout]
 * @property {(timer: any) => void} [clearTimeout]
 */

export class Outbox {
  /** @type {Required<Parts>} */ #parts;
  /** @type {Waiting|null} */ #waiting = null;
  /** @type {State} */ #state = 'idle';
  #failures = 0;
  /** @type {any} */ #timer;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = {
      now: Date.now,
      setTimeout: globalThis.setTimeout.bind(globalThis),
      clearTimeout: globalThis.clearTimeout.bind(globalThis),
      ...parts,
    };
  }

  get state() {
    return this.#state;
  }

  get waiting() {
    return this.#waiting;
  }

  /**
   * Takes one request; false while another is on its way, so that no second Enter makes a second alert.
   * @param {Request} request
   * @param {any} about
   */
  put(request, about) {
    if (this.#waiting) return false;
    this.#waiting = { request, about, since: this.#parts.now(), tried: false };
    this.#failures = 0;
    this.#try();
    return true;
  }

  /** Goes on with what an earlier page left behind. @param {Waiting|null} waiting */
  recall(waiting) {
    if (!waiting || this.#waiting) return;
    this.#waiting = waiting;
    if (this.#parts.now() - waiting.since > STALE_MS) this.#turn('stale');
    else this.#try();
  }

  /** The line is back, or somebody has logged in, or says that it shall go out after all. */
  wake() {
    if (this.#state === 'waiting' || this.#state === 'locked') this.#try();
  }

  /** It is to be sent, however long it has waited. */
  insist() {
    if (!this.#waiting || this.#state === 'sending') return;
    this.#waiting.since = this.#parts.now();
    this.#try();
  }

  /** It is to be sent no more. @returns {Waiting|null} what it was; it may have arrived when it was tried */
  drop() {
    if (this.#state === 'sending') return null;
    const dropped = this.#waiting;
    this.#end();
    return dropped;
  }

  async #try() {
    this.#parts.clearTimeout(this.#timer);
    const waiting = /** @type {Waiting} */ (this.#waiting);
    waiting.tried = true;
    // Before it leaves: a page that is closed in this moment finds it again.
    this.#parts.keep(waiting);
    this.#turn('sending');
    try {
      const answer = await this.#parts.send(waiting.request);
      if (answer.status === 401) {
        this.#turn('locked');
        return;
      }
      if (answer.problem === 'contended') throw new Lost(answer.document.detail);
      this.#end();
      this.#parts.answered(answer, waiting);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      if (this.#parts.now() - waiting.since > STALE_MS) {
        this.#turn('stale');
        return;
      }
      const wait = Math.max(error.after, Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures));
      this.#failures += 1;
      this.#timer = this.#parts.setTimeout(() => this.#try(), wait);
      this.#turn('waiting');
    }
  }

  #end() {
    this.#parts.clearTimeout(this.#timer);
    this.#waiting = null;
    this.#parts.keep(null);
    this.#turn('idle');
  }

  /** @param {State} state */
  #turn(state) {
    this.#state = state;
    this.#parts.turned(state, this.#waiting);
  }
}

/** A key that names one request. */
export const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
