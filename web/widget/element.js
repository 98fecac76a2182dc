/** `<breaking-ticker>`: joins the line, the board and the view. Importing it defines nothing; breaking-ticker.js does. */

import { stylesheet } from './style.js';
import { asOf, count, stringsFor } from './strings.js';
import { LEAVES } from './window.js';
import { View } from './view.js';
import { Board } from './board.js';
import { goneOf, share, skewOf } from './sharing.js';
import { Announcer } from './announcer.js';

/** @import { Entry, Item } from './window.js' */
/** @import { Status } from './connection.js' */
/** @import { Listener } from './sharing.js' */

/** How often ages are told anew, and what has expired is looked for. */
const AGES_MS = 5_000;
/** Somebody who comes back to the page is shown movement when its line has been heard within this time. */
const FRESH_MS = 30_000;
const HIDDEN_MS = 250;
const FILTERS = ['section', 'region', 'tag'];
const MOST = 100;
const MOST_UNSEEN = 20;

/** The server that the script came from: it lies at /widget/v1/ there. */
const HOME = new URL('../../', import.meta.url);

export class BreakingTicker extends HTMLElement {
  static observedAttributes = ['src', 'channel', ...FILTERS, 'max', 'mode', 'lang'];

  /** @type {Board} */ #board = new Board(10);
  /** @type {Listener|null} */ #line = null;
  /** @type {View|null} */ #view = null;
  /** @type {Announcer|null} */ #announcer = null;
  /** Ends the listeners of one stay in a document. @type {AbortController|null} */ #stay = null;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #ages;
  /** @type {Status} */ #status = 'connecting';
  #loaded = false;
  #joining = false;
  /** Server's clock minus ours, milliseconds. */ #offset = 0;
  #heardAt = 0;
  /** Looked at again, and not yet up to date. */ #behind = false;
  /** @type {{language?: string, direction?: string}} */ #channel = {};
  /** @type {string|null} */ #fresh = null;
  #drawing = false;
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
    const now = this.#now();
    return this.#board.items.filter(({ expires }) => !(Date.parse(expires ?? '') <= now));
  }

  /** How many alerts wait for the reader to go on. */
  get waiting() {
    return this.#board.waiting.length;
  }

  connectedCallback() {
    this.#stay = new AbortController();
    const { signal } = this.#stay;
    const wake = () => {
      if (document.hidden) return;
      this.#behind = Date.now() - this.#heardAt > FRESH_MS;
      this.#line?.wake();
      this.#draw();
    };
    addEventListener('online', wake, { signal });
    addEventListener('offline', () => this.#line?.lost(), { signal });
    document.addEventListener('visibilitychange', wake, { signal });
    this.#stillness().addEventListener('change', () => this.#draw(), { signal });
    this.#ages = setInterval(() => this.#draw(), AGES_MS);
    this.#dress();
    this.#join();
  }

  disconnectedCallback() {
    this.#stay?.abort();
    this.#stay = null;
    clearTimeout(this.#ages);
    this.#drawing = false;
    this.#line?.stop();
    this.#line = null;
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

  pause() {
    this.#board.pause();
    this.#announcer?.hush();
    this.#draw();
  }

  play() {
    this.#fresh = this.#board.waiting[0]?.id ?? null;
    this.#board.play();
    this.#draw();
  }

  /**
   * Takes a frame of the live stream as if it had come over the line. Without a channel there is no line, and the
   * element shows what it is given: a preview.
   * @param {any} frame
   */
  apply(frame) {
    if (!this.#line) this.#turn('live');
    this.#loaded ||= frame.type === 'entry';
    this.#hear(frame);
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
    this.#view?.mode.move?.(step);
  }

  #join() {
    this.#line?.stop();
    this.#line = null;
    const paused = this.#board.paused;
    this.#unseen = [];
    this.#behind = false;
    this.#board = new Board(Math.min(MOST, Math.max(1, Number(this.getAttribute('max')) | 0 || 10)));
    if (paused) this.#board.pause();
    this.#channel = {};
    this.#loaded = false;
    this.#draw();
    const channel = this.getAttribute('channel');
    if (!channel) return;
    this.#line = share({
      src: new URL(this.getAttribute('src') ?? HOME, document.baseURI).href,
      channel,
      // Their names go over the wire.
      filters: Object.fromEntries(FILTERS.map((name) => [name, this.#list(name)])),
      onFrame: (frame) => this.#hear(frame),
      onStatus: (status) => this.#turn(status),
    });
  }

  /** @param {string} attribute whose values stand between commas */
  #list(attribute) {
    return (this.getAttribute(attribute) ?? '').split(',').map((value) => value.trim()).filter(Boolean);
  }

  /** @param {any} frame */
  #hear(frame) {
    if (frame.stale) return;
    this.#heardAt = frame.heard ?? Date.now();
    this.#offset = skewOf(frame, this.#heardAt) || this.#offset;
    this.#behind = false;
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
    const { added, corrected, removed } = this.#board.load(frame.items ?? [], goneOf(frame));
    for (const id of removed) this.#withdrawn({ id, version: Infinity });
    for (const item of corrected) this.#tell('update', item);
    if (this.#loaded) for (const item of added) this.#tell('item', item);
    this.#loaded = true;
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether it changes anything
   */
  #apply(entry) {
    const { act, item } = entry ?? {};
    const known = this.#board.knows(item?.id);
    const news = act === 'publish' && !known;
    if (!item?.id || !this.#board.apply(entry)) return false;
    if (LEAVES.test(act)) known && this.#withdrawn(item);
    // A correction is told no less than what it corrects.
    else this.#tell(news ? 'item' : 'update', item, act === 'publish' || act === 'correct');
    return true;
  }

  /** Tells what has been drawn; what waits for a reader who has paused is not. */
  #report() {
    const { waiting } = this.#board;
    this.#unseen = this.#unseen.filter(({ cursor, item }) =>
      waiting.some(({ id }) => id === item.id) || this.#line?.seen(cursor));
  }

  /**
   * @param {string} name of the event
   * @param {Item} item
   * @param {boolean} loud shown at once, and announced
   */
  #tell(name, item, loud = true) {
    if (loud && !this.paused) {
      this.#fresh = item.id;
      this.#announcer?.add(item, this.hasAttribute('assertive'));
    }
    this.#emit(name, { item });
  }

  /** @param {Item} item */
  #withdrawn(item) {
    this.#announcer?.forget(item.id);
    this.#emit('retract', { item });
  }

  /** @param {Status} status */
  #turn(status) {
    this.#status = status;
    // There is nothing to wait for.
    if (status === 'offline') this.#behind = false;
    this.#draw();
    this.#emit('status', { status });
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`ticker-${name}`, { detail, bubbles: true, composed: true }));
  }

  #now() {
    return Date.now() + this.#offset;
  }

  #stillness() {
    return matchMedia('(prefers-reduced-motion)');
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
    this.#view = new View(strings, this.getAttribute('mode'), this.getAttribute('channel') ?? '', (name) => this.#press(name));
    this.shadowRoot?.replaceChildren(this.#view.node, this.#announcer.node, this.#announcer.alarm);
    this.#render();
  }

  /** @param {import('./view.js').Press} name */
  #press(name) {
    if (name === 'pause') return this.paused ? this.play() : this.pause();
    if (name !== 'dismiss') return this.#step(name === 'next' ? 1 : -1);
    this.#view?.mode.dismiss?.();
    this.#draw();
  }

  /** However much arrives at once, it is drawn once; also where no frames are drawn, so that nothing stays too long. */
  #draw() {
    if (!this.#stay || this.#drawing) return;
    this.#drawing = true;
    const run = () => {
      // Not for one that has left meanwhile.
      if (this.#drawing) this.#render();
      this.#drawing = false;
    };
    if (document.hidden) setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  }

  #render() {
    const { items } = this;
    const [newest] = items;
    if (newest) this.#channel = { language: newest.language, direction: newest.direction };
    if (this.#view?.strings !== this.#strings()) return this.#dress();
    this.#view.draw({
      items,
      direction: this.#channel.direction,
      fresh: this.#fresh,
      loaded: this.#loaded,
      paused: this.paused,
      moving: !this.paused && !this.#behind && !this.#stillness().matches,
      note: this.#note(),
      now: this.#now(),
    });
    this.#fresh = null;
    this.#report();
  }

  /** What stands beside the buttons: what the line is not, or what waits. */
  #note() {
    const strings = this.#view?.strings ?? this.#strings();
    const status = this.#status;
    const { waiting } = this;
    const current = /^(live|connecting|polling)$/.test(status);
    const fresh = waiting > 0 && current;
    const late = this.#loaded ? asOf(strings, this.#heardAt) : strings[status === 'offline' ? status : 'connecting'];
    const plain = current && this.#loaded ? /** @type {Record<string, any>} */ (strings)[status] ?? '' : late;
    return { text: fresh ? count(strings, strings.fresh ?? strings.alerts, waiting) : plain, fresh };
  }
}
