/**
 * Where drafts lie between two loads of the page: in this browser, for one key and one page each. What a page that is
 * gone has left behind is found by the next one of the same key. No DOM.
 */

import { empty } from './draft.js';

/**
 * @typedef {object} Kept
 * @property {string} channel that was open
 * @property {Record<string, import('./draft.js').Draft>} drafts by channel
 * @property {import('./outbox.js').Waiting|null} waiting an alert on its way
 * @property {import('./outbox.js').Waiting|null} [acting] an act on its way
 * @property {number} seen when the page was last there
 */

/** A page that was not there for so long is gone. Browsers let one that nobody looks at speak once a minute. */
const GONE_MS = 90_000;
const TOUCH_MS = 5_000;
const NAME = 'ticker-desk';

export class Drawer {
  /** @type {Storage} */ #storage;
  /** @type {string} */ #prefix;
  /** @type {string} */ #name;
  /** @type {() => number} */ #now;
  /** @type {Kept} */ #kept;
  /** Whether the browser keeps anything at all: some do not, or have no room. */ works = true;

  /**
   * @param {string} key id of the editor's key
   * @param {string} desk name of this page
   * @param {Storage} storage
   * @param {() => number} now
   */
  constructor(key, desk, storage = localStorage, now = Date.now) {
    this.#storage = storage;
    this.#now = now;
    this.#prefix = `${NAME}:${key}:`;
    this.#name = this.#prefix + desk;
    this.#kept = this.#read(this.#name) ?? this.#inherited() ?? { channel: '', drafts: {}, waiting: null, seen: 0 };
    this.#write();
  }

  get kept() {
    return this.#kept;
  }

  /** How often `touch` is to be called. */
  get every() {
    return TOUCH_MS;
  }

  /** @param {Partial<Kept>} part */
  keep(part) {
    this.#kept = { ...this.#kept, ...part };
    this.#write();
  }

  /** This page is still there. */
  touch() {
    this.#write();
  }

  /** Nothing is left in this browser. */
  empty() {
    try {
      this.#storage.removeItem(this.#name);
    } catch {
      this.works = false;
    }
  }

  /** What a page that is gone has left: the newest that says anything, and it is taken out there. @returns {Kept|null} */
  #inherited() {
    const left = this.#names()
      .map((name) => ({ name, kept: this.#read(name) }))
      .filter(({ kept }) => !kept || this.#now() - kept.seen > GONE_MS);
    const full = left
      .filter(({ kept }) => kept && (kept.waiting || kept.acting || Object.values(kept.drafts).some((draft) => !empty(draft))))
      .sort((a, b) => (b.kept?.seen ?? 0) - (a.kept?.seen ?? 0));
    for (const { name } of left) if (name === full[0]?.name || !full.some((other) => other.name === name)) this.#storage.removeItem(name);
    return full[0]?.kept ?? null;
  }

  #names() {
    try {
      return Object.keys(this.#storage).filter((name) => name.startsWith(this.#prefix));
    } catch {
      return [];
    }
  }

  /** @param {string} name @returns {Kept|null} */
  #read(name) {
    try {
      const found = JSON.parse(this.#storage.getItem(name) ?? 'null');
      return found && typeof found.drafts === 'object' ? found : null;
    } catch {
      return null;
    }
  }

  #write() {
    this.#kept.seen = this.#now();
    try {
      this.#storage.setItem(this.#name, JSON.stringify(this.#kept));
      this.works = true;
    } catch {
      this.works = false;
    }
  }
}
