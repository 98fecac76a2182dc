/** How many screens have an alert, and what became of its push: asked often while it is new, and seldom later. No DOM. */

import { Lost, address, get } from './api.js';

const TICK_MS = 500;
/** Age of a version → how often it is asked for. */
const PACE = [[15_000, 1_000], [120_000, 5_000], [Infinity, 30_000]];
const ABREAST = 4;

export class Audience {
  /** Item id → what is known. @type {Map<string, {version: number, reach: any, pushes: any[], asked: number}>} */ #known = new Map();
  /** Item id → version, and when it was stored. @type {Map<string, {version: number, since: number}>} */ #wanted = new Map();
  #asking = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #timer;

  /**
   * @param {string} channel
   * @param {{changed: () => void}} told
   */
  constructor(channel, told) {
    this.channel = channel;
    this.told = told;
  }

  start() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** @param {{id: string, version: number, versioncreated: string}[]} items @param {number} offset of the server's clock */
  watch(items, offset) {
    this.#wanted = new Map(items.map((item) => [item.id, { version: item.version, since: Date.parse(item.versioncreated) - offset }]));
    for (const id of this.#known.keys()) if (!this.#wanted.has(id)) this.#known.delete(id);
  }

  /** @param {string} id */
  of(id) {
    return this.#known.get(id)?.reach ?? null;
  }

  /** @param {string} id @returns {any[]} */
  pushes(id) {
    return this.#known.get(id)?.pushes ?? [];
  }

  #tick() {
    const now = Date.now();
    for (const [id, { version, since }] of this.#wanted) {
      if (this.#asking >= ABREAST) return;
      const known = this.#known.get(id);
      const pace = PACE.find(([age]) => now - since < age)?.[1] ?? 30_000;
      if (known && known.version === version && now - known.asked < pace) continue;
      this.#known.set(id, { version, reach: known?.reach ?? null, pushes: known?.pushes ?? [], asked: now });
      this.#ask(id);
    }
  }

  /** @param {string} id */
  async #ask(id) {
    this.#asking += 1;
    try {
      const [reach, push] = await Promise.all([
        get(address(this.channel, id, 'reach')),
        get(address(this.channel, id, 'push')),
      ]);
      const known = this.#known.get(id);
      if (!known) return;
      if (reach.ok) known.reach = reach.document;
      if (push.ok) known.pushes = push.document.pushes;
      this.told.changed();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    } finally {
      this.#asking -= 1;
    }
  }
}

/** What may become of a push, in the order in which one reads it. */
const OUTCOMES = ['accepted', 'pending', 'superseded', 'expired', 'cancelled', 'dead_lettered'];

/**
 * What became of the newest push: a pin or an undo makes a version that is not pushed.
 * @param {any[]} pushes newest version first
 * @param {number} since the oldest version that counts
 * @returns {{version: number, provider: string, counts: [string, number][]}[]} per provider, outcome → how many
 */
export function outcomes(pushes, since = 1) {
  return newest(pushes, since).map(({ version, provider, outcomes: of }) => ({ version, provider, counts: OUTCOMES.filter((name) => of[name]).map((name) => [name, of[name]]) }));
}

/**
 * The same for all providers together.
 * @param {any[]} pushes
 * @param {number} since
 * @returns {[string, number][]} outcome, how many
 */
export function total(pushes, since = 1) {
  const of = newest(pushes, since);
  const sum = (/** @type {string} */ name) => of.reduce((all, { outcomes: counted }) => all + (counted[name] ?? 0), 0);
  return OUTCOMES.map((name) => /** @type {[string, number]} */ ([name, sum(name)])).filter(([, n]) => n > 0);
}

/** @param {any[]} pushes @param {number} since */
const newest = (pushes, since) => pushes.filter(({ version }) => version === pushes[0].version && version >= since);
