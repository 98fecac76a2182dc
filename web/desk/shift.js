/** An editor's time at the desk, from login to logout: writing, sending once, doing things to what stands. */

import { Lost, send } from './api.js';
import { Composer } from './composer.js';
import { confirm } from './dialog.js';
import { Doing } from './doing.js';
import { make } from './dom.js';
import { blank, changing, empty, fate, said } from './draft.js';
import { Drawer } from './drawer.js';
import { Heading } from './heading.js';
import { showLedger } from './ledger.js';
import { Notices } from './notices.js';
import { Posting } from './posting.js';
import { Preview } from './preview.js';
import { Room } from './room.js';
import { Sent } from './sent.js';
import { pressed } from './shortcuts.js';

/** @import { Draft } from './draft.js' */
/** @import { Waiting } from './outbox.js' */
/** @import { Words } from './words.js' */

const PREVIEW_MS = 80;

export class Shift {
  /** @type {Room} */ #room;
  #ended = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #previewing;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #touching;
  #stay = new AbortController();

  /**
   * @param {{session: any, rules: any, words: Words, desk: string, preferences: any, ended: () => void, left: () => void}} parts
   */
  constructor({ session, rules, words, desk, preferences, ended, left }) {
    this.session = session;
    this.rules = rules;
    this.words = words;
    this.desk = desk;
    this.drawer = new Drawer(session.key.id, desk);
    this.notices = new Notices(words);
    this.preview = new Preview(words);
    this.sent = new Sent(words, (item) => this.doing.do('undo', item));
    this.composer = new Composer(words, {
      changed: (draft) => this.#keep(draft),
      moved: (channel) => this.#carry(channel),
      review: () => this.writing.review(),
      left: () => this.leave(),
      known: () => this.#known(),
    });
    this.heading = new Heading(words, session, rules, preferences, {
      channel: (name) => this.enter(name),
      audit: () => showLedger(this.#room.rules.name, words, () => this.#room.now),
      logout: () => this.#logout(left),
    });
    this.onEnd = ended;
    this.left = make('div', { class: 'left' }, this.composer.node, this.sent.node, this.preview.node);
    this.right = make('div', { class: 'right' });
    this.node = make('div', { class: 'shift' }, this.heading.node, make('main', {}, make('h1', { class: 'unseen' }, words.say('desk')), this.left, this.right), this.notices.node);
    const kept = (/** @type {string} */ slot) => (/** @type {Waiting|null} */ waiting) => this.drawer.keep({ [slot]: waiting });
    const turned = () => this.#turned();
    this.writing = new Posting(this, kept('waiting'), turned);
    this.doing = new Doing(this, kept('acting'), turned);
    this.posting = this.writing.outbox;
    this.acting = this.doing.outbox;
    const names = rules.channels.map((/** @type {any} */ channel) => channel.name);
    const first = names.includes(this.drawer.kept.channel) ? this.drawer.kept.channel : names[0];
    this.#room = this.#open(first);
  }

  /** The channel that is open. */
  get room() {
    return this.#room;
  }

  start() {
    const { signal } = this.#stay;
    window.addEventListener('online', () => this.#wake(), { signal });
    window.addEventListener('offline', () => this.heading.line('offline'), { signal });
    document.addEventListener('visibilitychange', () => document.hidden || this.#wake(), { signal });
    document.addEventListener('keydown', (event) => pressed(event, this), { signal });
    window.addEventListener('beforeunload', (event) => {
      if (!this.drawer.works && !empty(this.composer.draft)) event.preventDefault();
    }, { signal });
    this.#touching = setInterval(() => this.drawer.touch(), this.drawer.every);
    this.posting.recall(this.drawer.kept.waiting);
    this.acting.recall(this.drawer.kept.acting ?? null);
    this.composer.focus();
  }

  stop() {
    this.#ended = true;
    this.#stay.abort();
    clearInterval(this.#touching);
    clearTimeout(this.#previewing);
    this.#room.stop();
  }

  // Channels

  /** @param {string} name */
  #open(name) {
    const rules = this.rules.channels.find((/** @type {any} */ channel) => channel.name === name);
    const room = new Room(rules, this.session, this.desk, this.words, {
      act: (act, item) => this.doing.do(act, item),
      entry: (entry) => this.#heard(entry),
      changed: () => this.#shown(),
      turned: (status) => {
        this.heading.line(navigator.onLine ? status : 'offline');
        if (status === 'live') for (const outbox of [this.posting, this.acting]) outbox.wake();
      },
      ended: () => this.#end(),
    });
    this.right.replaceChildren(room.node);
    this.heading.at(name);
    this.drawer.keep({ channel: name });
    this.#room = room;
    this.composer.dress(rules, this.rules.limits, this.rules.warn);
    this.composer.load({ ...blank(), ...this.drawer.kept.drafts[name] });
    this.sent.clear();
    room.start();
    this.#about();
    this.#look();
    return room;
  }

  /** @param {string} name */
  enter(name) {
    if (name === this.#room.rules.name || this.posting.waiting) return;
    this.#room.stop();
    this.#open(name);
    this.composer.focus();
  }

  /** `/es`: the text goes along; what lay there comes back here. @param {string} name */
  #carry(name) {
    const [here, draft] = [this.#room.rules.name, this.composer.draft];
    if (draft.kind !== 'new') {
      this.notices.say({ text: this.words.say('carry.change'), kind: 'bad' });
      return;
    }
    const there = this.rules.channels.find((/** @type {any} */ channel) => channel.name === name);
    // What language it is in, and which lists it may name, the other channel says.
    const fitting = { ...draft, language: '', direction: '', sections: draft.sections.filter((one) => there.sections.includes(one)), regions: draft.regions.filter((one) => there.regions.includes(one)) };
    const { drafts } = this.drawer.kept;
    this.drawer.keep({ drafts: { ...drafts, [here]: drafts[name] ?? blank(), [name]: fitting } });
    this.enter(name);
  }

  #known() {
    const { rules } = this.#room ?? { rules: this.rules.channels[0] };
    return { channels: this.rules.channels.map((/** @type {any} */ channel) => channel.name), sections: rules.sections, regions: rules.regions, labels: rules.labels, now: this.#room?.now ?? Date.now() };
  }

  // Writing

  /** @param {Draft} draft */
  #keep(draft) {
    this.drawer.keep({ drafts: { ...this.drawer.kept.drafts, [this.#room.rules.name]: draft } });
    this.composer.saved(empty(draft) ? '' : this.words.say(this.drawer.works ? 'saved' : 'unsaved'));
    clearTimeout(this.#previewing);
    this.#previewing = setTimeout(() => this.#look(), PREVIEW_MS);
  }

  #look() {
    this.preview.show(this.composer.draft, this.#room.rules, this.#room.now);
  }

  /** The composer holds this draft now. @param {any} draft */
  load(draft) {
    this.composer.load(draft);
    this.#keep(draft);
    this.#about();
    this.#shown();
    this.#look();
  }

  /** Gives up a change, or throws a new alert away; what lay under a change comes back. */
  async leave() {
    const draft = /** @type {any} */ (this.composer.draft);
    if (this.posting.waiting) return;
    const untouched = draft.kind !== 'new' && JSON.stringify({ ...draft, parked: null }) === JSON.stringify({ ...changing(draft.base, draft.kind), parked: null });
    if (!untouched && draft.text.trim()) {
      const text = { ...said(draft), direction: this.#room.rules.direction, language: this.#room.rules.language };
      const yes = await confirm({ title: this.words.say('ask.discard'), text, facts: [], warnings: [], button: this.words.say('discard'), danger: true }, this.words);
      if (!yes) return;
    }
    this.load(draft.parked ?? blank());
    this.composer.focus();
  }

  /** @param {'update'|'correction'|'refile'} kind @param {any} item */
  async edit(kind, item) {
    if (this.posting.waiting) return;
    const draft = /** @type {any} */ (this.composer.draft);
    if (draft.kind !== 'new' && draft.base.id === item.id && draft.kind === kind) return this.composer.focus();
    const whole = await this.#room.whole(item);
    const parked = draft.kind === 'new' ? (empty(draft) ? null : draft) : draft.parked ?? null;
    this.load({ ...changing(whole, kind), parked });
    this.composer.focus();
  }

  /** What this page has open, for colleagues. */
  #about() {
    const { kind, base } = this.composer.draft;
    this.#room.newsroom.doing(kind === 'new' ? { item: null, act: null } : { item: base.id, act: kind });
  }

  // What is told

  /** @param {any} entry of the live stream */
  #heard(entry) {
    const { kind, base } = this.composer.draft;
    if (kind !== 'new' && entry.item.id === base.id && entry.item.version > base.version) this.#shown();
  }

  /** What is shown of others and of time. */
  #shown() {
    if (this.#ended || !this.#room) return;
    const { words, composer } = this;
    const { newsroom, feed, audience } = this.#room;
    this.heading.audience(newsroom.readers, newsroom.fresh, newsroom.editors);
    composer.whom(this.#whom());
    const { kind, base } = composer.draft;
    this.sent.tick(audience.of(this.sent.id), audience.pushes(this.sent.id), this.#room.now);
    if (this.posting.waiting) return;
    if (kind === 'new') return composer.warn('');
    const record = newsroom.records.get(base.id);
    const newest = [feed.items.find((item) => item.id === base.id), record?.after].reduce((best, item) => ((item?.version ?? 0) > (best?.version ?? 0) ? item : best), null);
    const others = newsroom.at(base.id);
    if (newest && newest.version > base.version) {
      const who = record?.after.version === newest.version ? record.by.name : '';
      composer.warn(words.say(who ? 'stale.by' : 'stale', { n: newest.version, who }), { label: words.say('compare'), do: () => this.writing.conflict(newest) });
    } else if (others.length) composer.warn(words.say(`here.${others[0].act ?? 'open'}`, { who: others[0].key.name, since: words.time(Date.parse(others[0].since), this.#room.now) }));
    else composer.warn('');
  }

  #whom() {
    const { newsroom, rules } = this.#room;
    const where = fate(this.composer.draft, rules);
    if (where === 'pending') return this.words.say('whom.pending');
    if (where === 'scheduled' || where === 'held') return this.words.say(`whom.${where}`);
    return newsroom.fresh ? this.words.say('whom', { n: newsroom.readers }) : this.words.say('whom.unknown');
  }

  /** What is on its way, and whether it gets there. */
  #turned() {
    if (this.#ended) return;
    const { words, posting, acting, composer } = this;
    composer.lock(Boolean(posting.waiting));
    const stop = () => {
      const dropped = posting.drop();
      if (dropped?.tried) this.notices.say({ text: words.say('stopped'), kind: 'bad', stays: true });
      this.#shown();
    };
    if (posting.state === 'waiting') composer.warn(words.say('outbox.waiting'), { label: words.say('outbox.stop'), do: stop });
    else if (posting.state === 'stale') composer.warn(words.say('outbox.stale'), { label: words.say('outbox.still'), do: () => posting.insist() });
    else if (posting.state === 'sending') composer.warn(words.say('outbox.sending'));
    else this.#shown();
    if (posting.state === 'locked' || acting.state === 'locked') this.#end();
    this.heading.pending(acting.state === 'waiting' ? words.say('outbox.act') : '');
  }

  #wake() {
    this.#room.wake();
    for (const outbox of [this.posting, this.acting]) outbox.wake();
  }

  /** The session has ended: somebody has to log in, and finds everything as it was. */
  #end() {
    if (this.#ended) return;
    this.stop();
    this.onEnd();
  }

  /** @param {() => void} left */
  async #logout(left) {
    if (!empty(this.composer.draft) || this.posting.waiting) {
      const text = { ...said(this.composer.draft), direction: this.#room.rules.direction, language: this.#room.rules.language };
      const yes = await confirm({ title: this.words.say('ask.logout'), text, facts: [], warnings: [this.words.say(this.posting.waiting ? 'logout.waiting' : 'logout.kept')], button: this.words.say('logout') }, this.words);
      if (!yes) return;
    } else this.drawer.empty();
    try {
      await send({ method: 'DELETE', path: '/v1/session' });
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      this.notices.say({ text: this.words.say('logout.lost'), kind: 'bad', stays: true });
      return;
    }
    this.stop();
    left();
  }
}
