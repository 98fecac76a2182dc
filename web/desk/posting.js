/** The way of a draft from its editor to the answer: asked about, sent once, and settled with whoever was faster. */

import { address, Lost, send } from './api.js';
import { joined } from './attribution.js';
import { confirmation } from './confirmation.js';
import { settled } from './conflict.js';
import { confirm } from './dialog.js';
import { become, blank, body, fate, rebased, said } from './draft.js';
import { folded } from './measure.js';
import { freshKey, Outbox } from './outbox.js';
import { similar } from './standing.js';

/** @import { Answer } from './api.js' */
/** @import { Waiting } from './outbox.js' */
/** @import { Shift } from './shift.js' */

export class Posting {
  /** @type {Outbox} */ outbox;
  /** @type {Shift} */ #at;
  #reviewing = false;

  /** @param {Shift} shift @param {(waiting: Waiting|null) => void} keep @param {() => void} turned */
  constructor(shift, keep, turned) {
    this.#at = shift;
    this.outbox = new Outbox({ send, keep, answered: (answer, waiting) => this.#posted(answer, waiting), turned });
  }

  /** Asks, and sends when the answer is yes. */
  async review() {
    if (this.#reviewing || this.outbox.waiting) return;
    this.#reviewing = true;
    try {
      const [draft, room, words] = [this.#at.composer.draft, this.#at.room, this.#at.words];
      const path = draft.kind === 'new' ? address(room.rules.name, '', 'items') : address(room.rules.name, draft.base.id);
      const headers = /** @type {Record<string, string>} */ (draft.kind === 'new' ? {} : { 'If-Match': `"${draft.base.version}"` });
      const request = { method: draft.kind === 'new' ? 'POST' : 'PATCH', path, body: body(draft), headers };
      let alike = false;
      const known = { words, rules: room.rules, limits: this.#at.rules.limits, warn: this.#at.rules.warn, readers: room.newsroom.readers, fresh: room.newsroom.fresh, reach: draft.base && room.audience.of(draft.base.id), now: room.now };
      const yes = await confirm(confirmation(draft, known), words, (dialog) => {
        const found = (/** @type {any} */ item) => {
          if (alike || draft.kind !== 'new') return;
          alike = true;
          dialog.warn(item ? words.say('warn.similar', { at: words.time(Date.parse(item.versioncreated), room.now), text: joined(item) }) : words.say('warn.similarUnknown'));
          dialog.label(words.say('do.anyway'));
        };
        const twin = similar(folded(joined(said(draft))), room.items(), (item) => folded(joined(item)), room.now);
        if (twin) found(twin);
        this.#rehearse(request, dialog, found);
      });
      if (!yes) return;
      this.#at.composer.lock(true);
      const about = { draft, channel: room.rules.name, pin: draft.kind === 'new' && draft.pin && fate(draft, room.rules) === 'published' };
      this.outbox.put({ ...request, path: alike ? `${path}?allow_similar=1` : path, headers: { ...headers, 'Idempotency-Key': freshKey() } }, about);
    } finally {
      this.#reviewing = false;
    }
  }

  /** What would be said to it, while its editor reads the question. @param {any} request @param {any} dialog @param {(item: any) => void} similarTo */
  async #rehearse(request, dialog, similarTo) {
    try {
      // Once the question is answered nobody wants to know, and what was sent meanwhile would make it look stale.
      const over = new AbortController();
      dialog.dialog.addEventListener('close', () => over.abort());
      const answer = await send({ ...request, path: `${request.path}?dry_run=1`, signal: over.signal });
      if (!dialog.dialog.open) return;
      if (answer.ok && answer.document.similar) similarTo(this.#at.room.items().find((item) => item.id === answer.document.similar));
      if (answer.problem === 'stale-version') {
        dialog.dialog.close();
        this.conflict(answer.document.item);
      } else if (!answer.ok && answer.status !== 401) dialog.refuse(answer.document.detail);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      if (dialog.dialog.open) dialog.warn(this.#at.words.say('warn.offline'));
    }
  }

  /** @param {Answer} answer @param {Waiting} waiting */
  #posted(answer, { about }) {
    const { words } = this.#at;
    if (!answer.ok) {
      if (answer.problem === 'stale-version') this.conflict(answer.document.item);
      else this.#at.notices.say({ text: words.say('not.sent', { why: answer.document.detail }), kind: 'bad', stays: true });
      this.#at.composer.focus();
      return;
    }
    const { item, siblings = [], warnings = [] } = answer.document;
    this.#at.load(about.draft.parked ?? blank());
    this.#at.sent.show(item, about.draft.kind, this.#at.room.rules);
    this.#at.room.refresh();
    for (const warning of warnings) this.#at.notices.say({ text: warning });
    for (const sibling of siblings) {
      this.#at.notices.say({ text: words.say('sibling', { channel: sibling.channel, text: sibling.headline }), stays: true, actions: [{ label: words.say('sibling.go', { channel: sibling.channel }), do: () => this.#at.enter(sibling.channel) }] });
    }
    if (about.pin && item.state === 'published') this.#at.acting.put({ method: 'POST', path: address(item.channel, item.id, 'pin'), body: {}, headers: { 'Idempotency-Key': freshKey() } }, { act: 'pin', item });
    this.#at.composer.focus();
  }

  /** Somebody was faster: both versions side by side, and nothing is overwritten. @param {any} newest */
  async conflict(newest) {
    const draft = /** @type {any} */ (this.#at.composer.draft);
    if (draft.kind === 'new') return;
    const by = this.#at.room.newsroom.records.get(newest.id);
    const who = by?.after.version === newest.version ? by.by.name : '';
    const choice = await settled(become(draft), draft.base.version, newest, who, this.#at.room.rules, this.#at.words, this.#at.room.now);
    if (choice === 'mine') {
      this.#at.load({ ...rebased(draft, newest), parked: draft.parked ?? null });
      this.#at.composer.review();
    } else if (choice === 'theirs') {
      this.#at.load(draft.parked ?? blank());
      this.#at.composer.focus();
    } else this.#at.composer.focus();
  }
}
