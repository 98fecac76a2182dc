/**
 * What goes on behind one channel: who is at work on what, what waits, who did what. One small question every two
 * seconds says whether anything was done at all; the rest is asked for only then. No DOM.
 */

import { Lost, address, get, send } from './api.js';

const EVERY_MS = 2_000;
const HIDDEN_MS = 5_000;
/** Rounds after which the queue is asked for all the same: a correction in another channel flags items in this one. */
const ROUNDS = 3;
const FIRST_RECORDS = 200;
const MOST_RECORDS = 500;
/** Items whose makers are remembered. */
const MOST = 1_000;

/**
 * @typedef {object} Doing
 * @property {string|null} item that this page has open
 * @property {string|null} act
 */

export class Newsroom {
  /** @type {any[]} */ editors = [];
  readers = 0;
  /** Whether the figures above were told lately. */ fresh = false;
  /** @type {{pending: any[], scheduled: any[], held: any[], flagged: any[]}} */ queue = { pending: [], scheduled: [], held: [], flagged: [] };
  /** The newest record of each item: who made which version of it, and all that editors see. @type {Map<string, any>} */ records = new Map();
  /** @type {Doing} */ #doing = { item: null, act: null };
  #record = -1;
  #rounds = 0;
  #seen = 0;
  #running = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  #asking = false;
  #again = false;

  /**
   * @param {string} channel
   * @param {string} desk name of this page
   * @param {{changed: () => void, ended: () => void}} told
   */
  constructor(channel, desk, told) {
    this.channel = channel;
    this.desk = desk;
    this.told = told;
  }

  start() {
    this.#running = true;
    this.ask();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** @param {Doing} doing */
  doing(doing) {
    if (doing.item === this.#doing.item && doing.act === this.#doing.act) return;
    this.#doing = doing;
    this.ask();
  }

  /** Who else has this item open. @param {string} id */
  at(id) {
    return this.editors.filter((editor) => editor.item === id);
  }

  /** Asks at once; when an answer is on its way, once more after it. */
  async ask() {
    if (!this.#running) return;
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      await this.#round();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      this.fresh = false;
    } finally {
      this.#asking = false;
    }
    if (!this.#running) return;
    this.told.changed();
    if (this.#again) {
      this.#again = false;
      this.ask();
      return;
    }
    this.#timer = setTimeout(() => this.ask(), globalThis.document?.hidden ? HIDDEN_MS : EVERY_MS);
  }

  async #round() {
    const here = { desk: this.desk, ...(this.#doing.item ? this.#doing : {}) };
    const { ok, status, document } = await send({ method: 'POST', path: address(this.channel, '', 'presence'), body: here });
    if (status === 401) {
      this.told.ended();
      return;
    }
    if (!ok) throw new Lost(document.detail);
    this.editors = document.editors;
    this.readers = document.readers;
    this.fresh = true;
    if (document.record !== this.#record) {
      await this.#read(document.record);
      this.#record = document.record;
      this.#rounds = 0;
    } else if (++this.#rounds >= ROUNDS) {
      const queue = await get(address(this.channel, '', 'queue'));
      if (!queue.ok) throw new Lost('');
      this.queue = queue.document;
      this.#rounds = 0;
    }
  }

  /** @param {number} newest */
  async #read(newest) {
    const first = this.#seen === 0 || newest < this.#seen || newest - this.#seen > MOST_RECORDS;
    const which = first ? `limit=${FIRST_RECORDS}` : `after=${this.#seen}&limit=${MOST_RECORDS}`;
    const [records, queue] = await Promise.all([get(address(this.channel, '', `audit?${which}`)), get(address(this.channel, '', 'queue'))]);
    if (!records.ok || !queue.ok) throw new Lost('');
    if (first) this.records.clear();
    for (const record of first ? records.document.records.reverse() : records.document.records) {
      this.#seen = Math.max(this.#seen, record.number);
      if (!record.after) continue;
      this.records.delete(record.after.id);
      this.records.set(record.after.id, record);
    }
    for (const id of this.records.keys()) {
      if (this.records.size <= MOST) break;
      this.records.delete(id);
    }
    this.queue = queue.document;
  }
}
