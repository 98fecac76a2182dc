/** What an editor does to an item that is there: asked about where need be, sent once, told when it is done. */

import { requested } from './acts.js';
import { send } from './api.js';
import { joined } from './attribution.js';
import { blank, empty, ofItem } from './draft.js';
import { showHistory } from './history.js';
import { Outbox } from './outbox.js';

/** @import { Answer } from './api.js' */
/** @import { Waiting } from './outbox.js' */
/** @import { Act } from './permits.js' */
/** @import { Shift } from './shift.js' */

export class Doing {
  /** @type {Outbox} */ outbox;
  /** @type {Shift} */ #at;

  /** @param {Shift} shift @param {(waiting: Waiting|null) => void} keep @param {() => void} turned */
  constructor(shift, keep, turned) {
    this.#at = shift;
    this.outbox = new Outbox({ send, keep, answered: (answer, waiting) => this.#acted(answer, waiting), turned });
  }

  /** @param {Act} act @param {any} item */
  async do(act, item) {
    const { words } = this.#at;
    if (act === 'history') return showHistory(item, this.#at.room.rules, words, () => this.#at.room.now);
    if (act === 'correct') return this.#at.edit('correction', item);
    if (act === 'update' || act === 'refile') return this.#at.edit(act === 'update' ? 'update' : 'refile', item);
    if (act === 'replace') return this.#at.load({ ...blank(), replaces: item.id });
    if (this.outbox.waiting) return this.#at.notices.say({ text: words.say('act.busy'), kind: 'bad' });
    const request = await requested(act, item, { words, rules: this.#at.room.rules, readers: this.#at.room.newsroom.readers, note: this.#at.rules.limits.note, reach: this.#at.room.audience.of(item.id) });
    if (request) this.outbox.put(request, { act, item });
  }

  /** @param {Answer} answer @param {Waiting} waiting */
  #acted(answer, { about: { act, item } }) {
    const { words } = this.#at;
    this.#at.room.refresh();
    if (!answer.ok) {
      const newest = answer.problem === 'stale-version' ? answer.document.item : null;
      this.#at.notices.say({
        text: newest ? words.say('act.stale', { n: newest.version }) : words.say('act.refused', { why: answer.document.detail }),
        kind: 'bad', stays: true,
        actions: newest ? [{ label: words.say('act.again'), do: () => this.do(act, newest) }] : [],
      });
      return;
    }
    const undone = act === 'undo' && item.state === 'scheduled';
    const next = { hold: 'release', pin: 'unpin', unpin: 'pin' }[/** @type {string} */ (act)];
    const actions = [];
    if (next) actions.push({ label: words.say(`act.${next}`), do: () => this.do(/** @type {Act} */ (next), answer.document.item) });
    if (act === 'retract') actions.push({ label: words.say('act.replace'), do: () => this.do('replace', item) });
    if (undone && empty(this.#at.composer.draft)) {
      this.#at.load(ofItem(item));
      this.#at.composer.focus();
    } else if (undone) actions.push({ label: words.say('undo.text'), do: () => this.#at.load(ofItem(item)) });
    this.#at.sent.changed(answer.document.item);
    this.#at.notices.say({ text: words.say(undone ? 'done.unscheduled' : `done.${act}`, { text: joined(item) }), kind: 'good', actions });
    for (const sibling of answer.document.siblings ?? []) {
      this.#at.notices.say({ text: words.say('sibling', { channel: sibling.channel, text: sibling.headline }), stays: true, actions: [{ label: words.say('sibling.go', { channel: sibling.channel }), do: () => this.#at.enter(sibling.channel) }] });
    }
  }
}
