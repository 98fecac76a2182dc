/** How an alert will look: in the real widget, in the channel's direction, and as a notification on a phone. */

import { joined } from './attribution.js';
import { make, tell } from './dom.js';
import { pushed, said } from './draft.js';

/** @import { Draft } from './draft.js' */
/** @import { Words } from './words.js' */

/** No id of any item: what is only looked at is nowhere. */
const NOWHERE = '00000000000000000000000000';

export class Preview {
  /** @type {Words} */ #words;
  #ticker = /** @type {any} */ (document.createElement('breaking-ticker'));
  #app = make('span', { class: 'app' });
  #label = make('span', { class: 'label' });
  #body = make('p', { class: 'body' });
  #phone = make('div', { class: 'phone' });
  #quiet = make('p', { class: 'quiet' });

  /** @param {Words} words */
  constructor(words) {
    this.#words = words;
    this.#phone.append(
      make('div', { class: 'notification' }, make('p', { class: 'from' }, make('span', { class: 'badge' }), this.#app, make('span', { class: 'when' }, words.say('phone.now'))), this.#label, this.#body),
      this.#quiet,
    );
    this.node = make(
      'section',
      { class: 'card preview', 'aria-labelledby': 'preview-title' },
      make('h2', { id: 'preview-title' }, words.say('preview')),
      make('div', { class: 'surfaces' },
        make('div', { class: 'surface web' }, make('h3', {}, words.say('preview.web')), this.#ticker),
        make('div', { class: 'surface' }, make('h3', {}, words.say('preview.phone')), this.#phone)),
    );
  }

  /**
   * @param {Draft} draft
   * @param {any} rules of the channel
   * @param {number} now by the server's clock
   */
  show(draft, rules, now) {
    const { attribution, headline } = said(draft);
    const direction = draft.direction || rules.direction;
    const language = draft.language || rules.language;
    const time = new Date(now).toISOString();
    const item = {
      id: draft.base?.id ?? NOWHERE,
      version: (draft.base?.version ?? 0) + 1,
      channel: rules.name,
      headline,
      ...(attribution ? { attribution } : {}),
      language,
      direction,
      urgency: draft.urgency,
      signal: draft.kind,
      ...(draft.kind === 'correction' && draft.note ? { correction_note: draft.note } : {}),
      ...(draft.link ? { link: draft.link } : {}),
      ...(draft.pin ? { pinned_until: time } : {}),
      published_at: draft.base?.published_at ?? time,
      versioncreated: time,
    };
    this.#ticker.lang = rules.language;
    this.#ticker.apply({ type: 'snapshot', channel: rules.name, language: rules.language, direction, time, items: headline ? [item] : [] });

    const words = this.#words;
    const phone = pushed(draft);
    tell(this.#app, rules.title);
    tell(this.#label, draft.urgency <= 3 ? words.urgency(draft.urgency, rules) : '');
    this.#label.hidden = draft.urgency > 3;
    tell(this.#body, phone || joined({ headline: '…' }));
    this.#phone.dir = direction;
    this.#phone.lang = language;
    const off = !draft.push;
    this.#phone.classList.toggle('off', off);
    tell(this.#quiet, off ? words.say('preview.noPush') : '');
    this.#quiet.dir = words.direction;
    this.#quiet.lang = words.language;
  }
}
