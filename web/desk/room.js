/** One channel while somebody is at it: its line, what goes on behind it, and the lists of what stands and waits. */

import { address, get, Lost } from './api.js';
import { Audience } from './audience.js';
import { icon, make, tell, told } from './dom.js';
import { Feed } from './feed.js';
import { Newsroom } from './newsroom.js';
import { Rows } from './rows.js';
import { gone, onAir, waiting } from './standing.js';

/** @import { Act } from './permits.js' */
/** @import { Status } from '../widget/connection.js' */
/** @import { Words } from './words.js' */

/**
 * @typedef {object} Told
 * @property {(act: Act, item: any) => void} act
 * @property {(entry: any) => void} entry
 * @property {() => void} changed
 * @property {(status: Status) => void} turned
 * @property {() => void} ended the session is worth nothing any more
 */

export class Room {
  /** @type {Feed} */ feed;
  /** @type {Newsroom} */ newsroom;
  /** @type {Audience} */ audience;
  #flags = make('ul', { class: 'flagged', role: 'list' });
  #count = make('span', { class: 'size' });
  #waitingSize = make('span', { class: 'size' });
  /** @type {HTMLElement} */ #waitingBox;
  /** @type {HTMLDetailsElement} */ #goneBox;
  #drawing = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #ticking;

  /**
   * @param {any} rules
   * @param {any} session
   * @param {string} desk
   * @param {Words} words
   * @param {Told} done
   */
  constructor(rules, session, desk, words, done) {
    this.rules = rules;
    this.session = session;
    this.words = words;
    this.done = done;
    const drawn = { changed: () => this.#soon() };
    this.feed = new Feed(rules, {
      ...drawn,
      turned: done.turned,
      ended: done.ended,
      entry: (entry) => {
        // What came over the line was done by somebody: who, is asked at once.
        this.newsroom.ask();
        done.entry(entry);
      },
    });
    this.newsroom = new Newsroom(rules.name, desk, { ...drawn, ended: done.ended });
    this.audience = new Audience(rules.name, drawn);
    this.air = new Rows(words, words.say('air'), words.say('air.empty'), done.act);
    this.wait = new Rows(words, words.say('wait'), '', done.act);
    this.past = new Rows(words, words.say('gone'), '', done.act);
    this.#waitingBox = make('section', { class: 'waiting', 'aria-labelledby': 'wait-title', hidden: true }, make('header', {}, make('h2', { id: 'wait-title' }, words.say('wait')), this.#waitingSize), this.wait.node);
    this.#goneBox = make('details', { class: 'gone', hidden: true }, make('summary', {}, icon('more'), words.say('gone')), this.past.node);
    this.node = make('div', { class: 'card board' },
      this.#flags,
      this.#waitingBox,
      make('section', { class: 'air', 'aria-labelledby': 'air-title' }, make('header', {}, make('h2', { id: 'air-title' }, words.say('air')), this.#count, make('span', { class: 'legend' }, words.say('air.legend'))), this.air.node),
      this.#goneBox);
  }

  get now() {
    return this.feed.now;
  }

  start() {
    this.feed.start();
    this.newsroom.start();
    this.audience.start();
    this.#ticking = setInterval(() => this.#tick(), 1_000);
  }

  stop() {
    this.feed.stop();
    this.newsroom.stop();
    this.audience.stop();
    clearInterval(this.#ticking);
    cancelAnimationFrame(this.#drawing);
  }

  wake() {
    this.feed.wake();
    this.newsroom.ask();
  }

  /** Something that was done here is looked for at once. */
  refresh() {
    this.newsroom.ask();
  }

  /** Everything that stands or waits here, as editors see it. */
  items() {
    return [...onAir(this.feed.items, this.newsroom.records), ...waiting(this.newsroom.queue, this.newsroom.records)].map(({ item }) => item);
  }

  /** An item with every field, the note to colleagues too: what is not known would be taken for changed. @param {any} item */
  async whole(item) {
    const record = this.newsroom.records.get(item.id)?.after;
    if (record?.version === item.version) return record;
    try {
      const answer = await get(address(item.channel, item.id, 'versions'));
      return answer.ok ? answer.document.versions.at(-1).item : item;
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      return item;
    }
  }

  /** Moves the cursor to the list. */
  focus() {
    return this.wait.size ? this.wait.focus() : this.air.focus();
  }

  #tick() {
    for (const rows of [this.air, this.wait, this.past]) rows.tick(this.now);
    this.done.changed();
  }

  /** However much arrives at once, it is drawn once. */
  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.draw();
    });
  }

  draw() {
    const { records, queue } = this.newsroom;
    const around = {
      rules: this.rules,
      session: this.session,
      now: this.now,
      reach: (/** @type {string} */ id) => this.audience.of(id),
      pushes: (/** @type {string} */ id) => this.audience.pushes(id),
      editors: (/** @type {string} */ id) => this.newsroom.at(id),
    };
    const [air, wait, past] = [onAir(this.feed.items, records), waiting(queue, records), gone(records, this.now)];
    this.audience.watch(air.map(({ item }) => item), this.feed.offset);
    this.air.draw(air, around, this.feed.loaded);
    this.wait.draw(wait, around, false);
    this.past.draw(past, around, false);
    this.#waitingBox.hidden = wait.length === 0;
    this.#goneBox.hidden = past.length === 0;
    tell(this.#count, this.words.number(air.length));
    tell(this.#waitingSize, this.words.number(wait.length));
    this.#flag(queue.flagged);
    this.done.changed();
  }

  /** @param {any[]} flagged what a correction in another channel calls into question here */
  #flag(flagged) {
    const said = JSON.stringify(flagged);
    if (this.#flags.dataset.said === said) return;
    this.#flags.dataset.said = said;
    this.#flags.replaceChildren(...flagged.map(({ item, because }) => make('li', { class: 'flag-row' },
      make('p', { dir: 'auto' }, this.words.say(`flag.${because.signal}`, { channel: because.channel, note: because.correction_note ?? '' })),
      make('p', { class: 'line' }, told(item)),
      make('button', { type: 'button', class: 'small', onclick: () => this.done.act('correct', item) }, this.words.say('act.correct')))));
  }
}
