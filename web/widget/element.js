/** `<breaking-ticker>`: joins the line, the board and the view. Importing it defines nothing; breaking-ticker.js does. */

import { Announcer } from './announcer.js';
import { Board } from './board.js';
import { Connection } from './connection.js';
import { asOf, count, stringsFor } from './strings.js';
import { stylesheet } from './style.js';
import { View } from './view.js';

/** @import { Entry, Item } from './window.js' */
/** @import { Status } from './connection.js' */

const AGES_MS = 30_000;
const MOST = 100;
const MOST_UNSEEN = 20;

/** The server that the script came from: it lies at /widget/v1/ there. */
const HOME = new URL('../../', import.meta.url).href;

export class BreakingTicker extends HTMLElement {
  static observedAttributes = ['src', 'channel', 'section', 'region', 'tag', 'max', 'mode', 'lang'];

  /** @type {Board} */ #board = new Board(10);
  /** @type {Connection|null} */ #connection = null;
  /** @type {View|null} */ #view = null;
  /** @type {Announcer|null} */ #announcer = null;
  /** Ends the listeners of one stay in a document. @type {AbortController|null} */ #stay = null;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #ages;
  /** @type {Status} */ #status = 'connecting';
  #loaded = false;
  #joining = false;
  /** Server's clock minus ours, milliseconds. */ #offset = 0;
  #heardAt = 0;
  /** @type {{language?: string, direction?: string}} */ #channel = {};
  /** @type {string|null} */ #fresh = null;
  #drawing = 0;
  /** Entries that have come and are not drawn yet. @type {(Entry & {cursor: string})[]} */ #unseen = [];

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [stylesheet()];
  }

  /** State of the line. */
  get status() {
    return this.#status;
  }

  get paused() {
    return this.#board.paused;
  }

  /** What the reader sees, in order. @returns {Item[]} */
  get items() {
    return this.#board.items;
  }

  /** How many alerts wait for the reader to go on. */
  get waiting() {
    return this.#board.waiting.length;
  }

  connectedCallback() {
    this.#stay = new AbortController();
    const { signal } = this.#stay;
    const wake = () => document.hidden || this.#connection?.wake();
    window.addEventListener('online', wake, { signal });
    document.addEventListener('visibilitychange', wake, { signal });
    this.#stillness().addEventListener('change', () => this.#draw(), { signal });
    this.#ages = setInterval(() => this.#view?.tell(this.#now()), AGES_MS);
    this.#dress();
    this.#join();
  }

  disconnectedCallback() {
    this.#stay?.abort();
    this.#stay = null;
    clearInterval(this.#ages);
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    this.#connection?.stop();
    this.#connection = null;
    this.#view?.stop();
    this.#announcer?.stop();
  }

  /**
   * @param {string} name
   * @param {string|null} before
   * @param {string|null} after
   */
  attributeChangedCallback(name, before, after) {
    if (!this.#stay || before === after) return;
    if (name === 'mode' || name === 'lang') this.#dress();
    else if (!this.#joining) {
      // Several attributes set in a row are one change of line.
      this.#joining = true;
      queueMicrotask(() => {
        this.#joining = false;
        if (this.#stay) this.#join();
      });
    }
  }

  /**
   * One frame of the live stream, as if it had come over a line. An element without `channel` opens none.
   * @param {any} frame
   */
  apply(frame) {
    this.#hear(frame);
  }

  pause() {
    this.#board.pause();
    this.#announcer?.stop();
    this.#draw();
  }

  play() {
    this.#fresh = this.#board.waiting[0]?.id ?? null;
    this.#board.play();
    this.#draw();
  }

  /** Moves by hand, and so ends the moving by itself. */
  next() {
    this.#step(1);
  }

  /** Moves by hand, and so ends the moving by itself. */
  prev() {
    this.#step(-1);
  }

  /** @param {number} step */
  #step(step) {
    this.pause();
    this.#view?.move(step);
  }

  #join() {
    this.#connection?.stop();
    this.#connection = null;
    const paused = this.#board.paused;
    this.#unseen = [];
    this.#board = new Board(Math.min(MOST, Math.max(1, parseInt(this.getAttribute('max') ?? '', 10) || 10)));
    if (paused) this.#board.pause();
    this.#channel = {};
    this.#loaded = false;
    this.#draw();
    const channel = this.getAttribute('channel');
    if (!channel) return;
    this.#connection = new Connection({
      src: new URL(this.getAttribute('src') ?? HOME, document.baseURI).href,
      channel,
      filters: { section: this.#list('section'), region: this.#list('region'), tag: this.#list('tag') },
      onFrame: (frame) => this.#hear(frame),
      onStatus: (status) => this.#turn(status),
    });
    this.#connection.start();
  }

  /** @param {string} attribute whose values stand between commas */
  #list(attribute) {
    return (this.getAttribute(attribute) ?? '').split(',').map((value) => value.trim()).filter(Boolean);
  }

  /** @param {any} frame */
  #hear(frame) {
    if (frame.stale) return;
    this.#heardAt = Date.now();
    const time = Date.parse(frame.time);
    if (Number.isFinite(time)) this.#offset = time - this.#heardAt;
    if (frame.type === 'entry') {
      if (this.#apply(frame)) this.#unseen = [...this.#unseen, frame].slice(-MOST_UNSEEN);
    }
    else if (frame.type === 'resume') for (const entry of frame.entries ?? []) this.#apply(entry);
    else if (frame.type === 'heartbeat') return;
    else this.#load(frame);
    this.#draw();
  }

  /** @param {any} frame */
  #load(frame) {
    const { language, direction } = frame;
    if (language) this.#channel = { language, direction };
    const gone = (frame.tombstones ?? []).map((id, place) => [id, frame.versions?.[place] ?? Infinity]);
    const { added, corrected, removed } = this.#board.load(frame.items ?? [], gone);
    for (const id of removed) this.#withdrawn({ id, version: Infinity });
    for (const item of corrected) this.#tell('ticker-update', item);
    if (this.#loaded) for (const item of added) this.#tell('ticker-item', item);
    this.#loaded = true;
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether it changes anything
   */
  #apply(entry) {
    const { act, item } = entry ?? {};
    const news = act === 'publish' && !this.#board.knows(item?.id);
    if (!item?.id || !this.#board.apply(entry)) return false;
    if (act === 'retract' || act === 'expire') this.#withdrawn(item);
    // A correction is told no less than what it corrects.
    else this.#tell(news ? 'ticker-item' : 'ticker-update', item, act === 'publish' || act === 'correct');
    return true;
  }

  /** Tells what has been drawn; what waits for a reader who has paused is not. */
  #report() {
    const waits = new Set(this.paused ? this.#board.waiting.map(({ id }) => id) : []);
    for (const { cursor, item } of this.#unseen) if (!waits.has(item.id)) this.#connection?.seen(cursor);
    this.#unseen = this.#unseen.filter(({ item }) => waits.has(item.id));
  }

  /**
   * @param {string} name of the event
   * @param {Item} item
   * @param {boolean} loud shown at once, and announced
   */
  #tell(name, item, loud = true) {
    if (loud && !this.paused) {
      this.#fresh = item.id;
      this.#announcer?.add(item);
    }
    this.#emit(name, { item });
  }

  /** @param {Item} item */
  #withdrawn(item) {
    this.#announcer?.forget(item.id);
    this.#emit('ticker-retract', { item });
  }

  /** @param {Status} status */
  #turn(status) {
    this.#status = status;
    this.#draw();
    this.#emit('ticker-status', { status });
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #now() {
    return Date.now() + this.#offset;
  }

  #stillness() {
    return matchMedia('(prefers-reduced-motion: reduce)');
  }

  #strings() {
    return stringsFor(this.getAttribute('lang'), this.#channel.language, document.documentElement.lang);
  }

  /** Builds the nodes afresh, for another mode or another language. */
  #dress() {
    this.#view?.stop();
    this.#announcer?.stop();
    const strings = this.#strings();
    this.#announcer = new Announcer(strings);
    this.#view = new View(strings, this.getAttribute('mode'), {
      toggle: () => (this.paused ? this.play() : this.pause()),
      step: (step) => this.#step(step),
    });
    this.shadowRoot?.replaceChildren(this.#view.node, this.#announcer.node);
    this.#render();
  }

  /** However much arrives at once, it is drawn once. */
  #draw() {
    if (!this.#stay || this.#drawing) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#render();
    });
  }

  #render() {
    const [newest] = this.items;
    if (newest) this.#channel = { language: newest.language, direction: newest.direction };
    if (this.#view?.strings !== this.#strings()) return this.#dress();
    this.#view.direct(this.#channel.direction);
    this.#view.draw({
      items: this.items,
      fresh: this.#fresh,
      loaded: this.#loaded,
      paused: this.paused,
      moving: !this.paused && !this.#stillness().matches,
      note: this.#note(),
      now: this.#now(),
    });
    this.#fresh = null;
    this.#report();
  }

  /** What stands beside the buttons: what the line is not, or what waits. */
  #note() {
    const strings = this.#view?.strings ?? this.#strings();
    const waiting = this.paused ? this.waiting : 0;
    const behind = { connecting: strings.reconnecting, polling: strings.polling, live: '' };
    if (waiting > 0 && this.#status in behind) return { text: count(strings, 'fresh', waiting), fresh: true };
    if (!this.#loaded) return { text: this.#status === 'offline' ? strings.offline : strings.connecting, fresh: false };
    const words = /** @type {Record<string, string>} */ (behind)[this.#status];
    return { text: words ?? asOf(strings, this.#heardAt), fresh: false };
  }
}
