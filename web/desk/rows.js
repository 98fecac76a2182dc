/** A list of items, dense and in reach of the keyboard: arrows move, a letter acts, the row that is chosen opens. */

import { joined } from './attribution.js';
import { outcomes } from './audience.js';
import { icon, keys, make, tell, told } from './dom.js';
import { countdown } from './moments.js';
import { letter, permitted, pressed } from './permits.js';

/** @import { Act } from './permits.js' */
/** @import { Row } from './standing.js' */
/** @import { Words } from './words.js' */

/**
 * @typedef {object} Surroundings what rows are drawn with
 * @property {any} rules
 * @property {any} session
 * @property {number} now by the server's clock
 * @property {(id: string) => any} reach
 * @property {(id: string) => any[]} pushes
 * @property {(id: string) => any[]} editors who else has it open
 *
 * @typedef {object} Parts the nodes of one row
 * @property {HTMLLIElement} node
 * @property {HTMLButtonElement} head
 * @property {HTMLElement} inside
 * @property {HTMLElement} time
 * @property {HTMLElement} reach
 * @property {HTMLElement} who
 * @property {HTMLElement} quick
 * @property {HTMLElement} told
 * @property {HTMLElement} marks
 * @property {HTMLElement} details
 * @property {HTMLElement} acts
 * @property {string} drawn
 */

export class Rows {
  /** @type {Map<string, Parts>} */ #parts = new Map();
  /** @type {Map<string, Row>} */ #rows = new Map();
  /** @type {string|null} */ #chosen = null;
  /** @type {Words} */ #words;
  /** @type {(act: Act, item: any) => void} */ #act;
  /** @type {Surroundings|null} */ #around = null;
  #empty;

  /**
   * @param {Words} words
   * @param {string} label
   * @param {string} empty what to do when there is nothing
   * @param {(act: Act, item: any) => void} act
   */
  constructor(words, label, empty, act) {
    this.#words = words;
    this.#act = act;
    this.list = make('ol', { class: 'rows', role: 'list', 'aria-label': label });
    this.#empty = make('p', { class: 'empty' }, empty);
    this.node = make('div', {}, this.list, this.#empty);
    this.list.addEventListener('keydown', (event) => this.#pressed(event));
  }

  get size() {
    return this.#rows.size;
  }

  /** @param {Row[]} rows @param {Surroundings} around @param {boolean} loaded */
  draw(rows, around, loaded) {
    this.#around = around;
    this.#rows = new Map(rows.map((row) => [row.item.id, row]));
    for (const [id, { node }] of this.#parts) {
      if (this.#rows.has(id)) continue;
      const held = node.contains(document.activeElement);
      const next = /** @type {HTMLElement|null} */ ((node.nextElementSibling ?? node.previousElementSibling)?.querySelector('.head') ?? null);
      node.remove();
      this.#parts.delete(id);
      // Whoever stood on what has gone stands on its neighbour, not at the top of the page.
      if (held) next?.focus();
    }
    rows.forEach((row, place) => {
      const parts = this.#parts.get(row.item.id) ?? this.#made(row.item.id);
      this.#fill(parts, row);
      if (this.list.children[place] !== parts.node) {
        const held = parts.node.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
        this.list.insertBefore(parts.node, this.list.children[place] ?? null);
        held?.focus();
      }
    });
    this.#empty.hidden = !loaded || rows.length > 0;
    const heads = [...this.list.querySelectorAll('.head')];
    if (!heads.some((head) => head.getAttribute('tabindex') === '0')) heads[0]?.setAttribute('tabindex', '0');
    this.tick(around.now);
  }

  /** Time has passed. @param {number} now */
  tick(now) {
    for (const [id, parts] of this.#parts) {
      const row = /** @type {Row} */ (this.#rows.get(id));
      const left = row.at === null ? -1 : row.at - now;
      const born = Date.parse(row.item.bumped_at ?? row.item.published_at ?? row.item.versioncreated);
      parts.time.classList.toggle('counting', left > 0);
      tell(parts.time, left > 0 ? this.#words.digits(countdown(left)) : this.#words.ago(now - born));
    }
  }

  /** The cursor goes to the first row, or to this one. @param {string} [id] */
  focus(id) {
    const head = (id && this.#parts.get(id)?.head) || this.list.querySelector('.head');
    /** @type {HTMLElement|null} */ (head)?.focus();
    return Boolean(head);
  }

  /** @param {string} id */
  #made(id) {
    const inside = make('div', { class: 'inside', id: `row-${id}`, hidden: true });
    const parts = /** @type {Parts} */ (/** @type {Partial<Parts>} */ ({
      time: make('span', { class: 'time' }),
      reach: make('span', { class: 'reach' }),
      who: make('span', { class: 'who', dir: 'auto' }),
      quick: make('span', { class: 'quick' }),
      told: make('span', { class: 'line' }),
      marks: make('span', { class: 'marks' }),
      details: make('div', { class: 'details' }),
      acts: make('div', { class: 'acts' }),
      inside,
      drawn: '',
    }));
    parts.head = make('button', { type: 'button', class: 'head', 'aria-expanded': 'false', 'aria-controls': inside.id, tabindex: '-1', onclick: () => this.#choose(this.#chosen === id ? null : id) },
      parts.told, make('span', { class: 'meta' }, parts.marks, parts.who), make('span', { class: 'figures' }, parts.reach, parts.time));
    inside.append(parts.details, parts.acts);
    parts.node = make('li', { class: 'row', 'data-id': id }, make('div', { class: 'top' }, parts.head, parts.quick), inside);
    parts.node.addEventListener('focusin', () => {
      for (const other of this.#parts.values()) other.head.tabIndex = other === parts ? 0 : -1;
    });
    this.#parts.set(id, parts);
    return parts;
  }

  /** @param {string|null} id */
  #choose(id) {
    this.#chosen = id;
    for (const [other, parts] of this.#parts) {
      parts.inside.hidden = other !== id;
      parts.head.setAttribute('aria-expanded', String(other === id));
      parts.node.classList.toggle('open', other === id);
    }
  }

  /** @param {Parts} parts @param {Row} row */
  #fill(parts, row) {
    const around = /** @type {Surroundings} */ (this.#around);
    const { item } = row;
    const reach = around.reach(item.id);
    const here = around.editors(item.id);
    const permits = permitted(item, around.session, around.now);
    // A push that was stopped waits in the figures until its time; nobody waits for it.
    const pushes = item.push?.enabled === false ? [] : outcomes(around.pushes(item.id));
    const drawn = JSON.stringify([item, row.by, row.did, reach, here, permits, pushes]);
    if (drawn === parts.drawn) return;
    parts.drawn = drawn;
    const words = this.#words;
    parts.node.className = `row ${item.state} u${item.urgency}${parts.node.classList.contains('open') ? ' open' : ''}`;
    parts.told.replaceChildren(told(item));
    parts.marks.replaceChildren(...this.#marks(item, around));
    tell(parts.who, here.length ? words.say('row.here', { who: here[0].key.name }) : row.by ? words.say('row.by', { who: row.by }) : '');
    parts.who.classList.toggle('busy', here.length > 0);
    const current = reach && reach.version === item.version;
    const shown = item.state === 'published';
    parts.reach.replaceChildren(...(shown ? [words.say('row.reach', { n: current ? reach.reached : 0, of: reach ? reach.readers : 0 })] : []));
    parts.reach.title = shown && current && reach.reached ? words.say('reach.long', { n: reach.reached, of: reach.readers, p50: reach.p50_ms, p95: reach.p95_ms }) : '';
    this.#detail(parts, row, reach, here, pushes);
    const held = parts.acts.contains(document.activeElement) ? document.activeElement?.getAttribute('data-act') : null;
    parts.acts.replaceChildren(...permits.map(({ act, refused }) => make('button', {
      type: 'button', class: `small ${act}`, 'data-act': act, disabled: Boolean(refused), title: refused ? words.say(`refused.${refused}`) : null, onclick: () => this.#act(act, item),
    }, make('span', {}, words.say(this.#label(act, item))), keys(letter(act)))));
    if (held) /** @type {HTMLElement|null} */ (parts.acts.querySelector(`[data-act=${held}]`) ?? parts.head)?.focus();
    const quick = permits.find(({ act, refused }) => !refused && ['undo', 'approve', 'release'].includes(act));
    parts.quick.replaceChildren(...(quick ? [make('button', { type: 'button', class: `small ${quick.act}`, tabindex: '-1', onclick: () => this.#act(quick.act, item) }, words.say(this.#label(quick.act, item)))] : []));
  }

  /** An undo takes back what waits: a push, or a plan. @param {Act} act @param {any} item */
  #label(act, item) {
    if (act === 'undo' && item.state === 'published') return 'act.undoPush';
    return `act.${act}`;
  }

  /** @param {any} item @param {Surroundings} around */
  #marks(item, around) {
    const words = this.#words;
    const marks = [];
    if (item.state !== 'published') marks.push(make('span', { class: `mark state ${item.state}` }, words.say(`state.${item.state}`)));
    if (item.urgency <= 3) marks.push(make('span', { class: `mark urgency u${item.urgency}` }, words.urgency(item.urgency, around.rules)));
    if (item.pinned_until) marks.push(make('span', { class: 'mark' }, words.say('mark.pinned')));
    if (item.signal === 'correction' || item.signal === 'update') marks.push(make('span', { class: 'mark' }, words.say(`mark.${item.signal}`)));
    marks.push(make('span', { class: 'version', title: words.say('version', { n: item.version }) }, words.say('version.short', { n: item.version })));
    return marks;
  }

  /** @param {Parts} parts @param {Row} row @param {any} reach @param {any[]} here @param {ReturnType<typeof outcomes>} pushes */
  #detail(parts, { item, by, did }, reach, here, pushes) {
    const words = this.#words;
    const { now } = /** @type {Surroundings} */ (this.#around);
    const lines = [];
    if (item.correction_note) lines.push(make('p', { class: 'note', dir: 'auto' }, words.say('detail.note', { what: item.correction_note })));
    if (item.ednote) lines.push(make('p', { class: 'ednote', dir: 'auto' }, words.say('detail.ednote', { what: item.ednote })));
    for (const editor of here) lines.push(make('p', { class: 'here', dir: 'auto' }, icon('warn'), words.say(`here.${editor.act ?? 'open'}`, { who: editor.key.name, since: words.time(Date.parse(editor.since), now) })));
    const facts = [words.say('version', { n: item.version })];
    const act = did && words.has(`did.${did}`) ? words.say(`did.${did}`) : did;
    if (by) facts.push(words.say('detail.by', { who: by, act: act.toLocaleLowerCase(), at: words.time(Date.parse(item.versioncreated), now) }));
    else facts.push(words.time(Date.parse(item.versioncreated), now));
    for (const name of ['publish_at', 'embargoed', 'expires', 'pinned_until']) if (item[name]) facts.push(words.say(`chip.${name}`, { at: words.time(Date.parse(item[name]), now) }));
    for (const name of ['sections', 'regions', 'tags']) if (item[name]?.length) facts.push(item[name].map((/** @type {string} */ value) => (words.has(`name.${value}`) ? words.say(`name.${value}`) : value)).join(', '));
    if (item.story) facts.push(words.say('chip.story', { what: item.story }));
    if (item.push?.enabled === false) facts.push(words.say('chip.web'));
    lines.push(make('p', { class: 'facts' }, ...facts.map((fact) => make('span', { dir: 'auto' }, fact))));
    if (reach?.version === item.version && item.state === 'published') lines.push(make('p', { class: 'spread' }, spread(words, reach)));
    for (const { version, provider, counts } of pushes) lines.push(make('p', { class: 'spread' }, words.say('push.of', { version: words.say('version.short', { n: version }), provider, counts: counted(words, counts) })));
    parts.details.replaceChildren(...lines);
    parts.head.title = joined(item);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    const id = /** @type {HTMLElement} */ (event.target).closest('.row')?.getAttribute('data-id');
    const row = id ? this.#rows.get(id) : undefined;
    if (!row || !id) return;
    const heads = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll('.head')]);
    const place = heads.indexOf(/** @type {HTMLElement} */ (this.#parts.get(id)?.head));
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: heads.length - 1 }[event.key];
    if (to !== undefined) {
      heads[Math.max(0, Math.min(to, heads.length - 1))]?.focus();
      event.preventDefault();
      return;
    }
    if (event.repeat) return;
    const around = /** @type {Surroundings} */ (this.#around);
    const act = pressed(event.code, permitted(row.item, around.session, around.now).filter(({ refused }) => !refused));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    this.#act(act, row.item);
  }
}

/** What became of pushes, in figures. @param {Words} words @param {[string, number][]} counts */
export const counted = (words, counts) => counts.map(([outcome, n]) => words.say(`outcome.${outcome}`, { n })).join(' · ');

/** How far and how fast it went, in a sentence. @param {Words} words @param {any} reach */
export function spread(words, reach) {
  if (!reach.readers && !reach.reached) return words.say('reach.nobody');
  if (!reach.reached) return words.say('reach.none', { of: reach.readers });
  return words.say('reach.long', { n: reach.reached, of: reach.readers, p50: reach.p50_ms, p95: reach.p95_ms });
}
