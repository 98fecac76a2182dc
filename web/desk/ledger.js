/** The audit of a channel, to read and to search; and what the bar showed at any moment. */

import { Lost, address, get } from './api.js';
import { joined } from './attribution.js';
import { open } from './dialog.js';
import { make, tell, told } from './dom.js';
import { fromLocal, local } from './moments.js';

/** @import { Words } from './words.js' */

const PAGE = 200;

/** @param {string} channel @param {Words} words @param {() => number} now */
export async function showLedger(channel, words, now) {
  const search = make('input', { type: 'search', id: 'ledger-search', autocomplete: 'off', oninput: () => draw() });
  const moment = make('input', { type: 'datetime-local', id: 'ledger-at', step: 1, value: local(now()), onchange: () => look() });
  const body = make('tbody');
  const bar = make('ol', { class: 'bar-then', role: 'list' });
  const said = make('p', { class: 'empty', role: 'status' }, words.say('loading'));
  const older = make('button', { type: 'button', class: 'secondary', hidden: true, onclick: () => load() }, words.say('ledger.older'));
  const heads = ['at', 'who', 'act', 'what'].map((name) => make('th', { scope: 'col' }, words.say(`ledger.${name}`)));
  const table = make('table', { class: 'ledger' }, make('thead', {}, make('tr', {}, ...heads)), body);
  open('wide audit', words.say('audit.of', { channel }), words,
    make('div', { class: 'tools' },
      make('div', { class: 'field' }, make('label', { for: 'ledger-search' }, words.say('ledger.search')), search),
      make('div', { class: 'field' }, make('label', { for: 'ledger-at' }, words.say('ledger.bar')), moment)),
    bar,
    make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': words.say('audit') }, table),
    said, older);
  search.focus();
  /** Newest first. @type {any[]} */ let records = [];

  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = records.filter((record) => !wanted || JSON.stringify([record.by, record.act, record.detail, record.refused, record.after ?? record.before ?? record.item]).toLowerCase().includes(wanted));
    body.replaceChildren(...found.map((record) => {
      const item = record.after ?? record.before;
      const act = words.has(`did.${record.act}`) ? words.say(`did.${record.act}`) : record.act;
      const what = record.refused
        ? make('span', { dir: 'auto' }, words.say('ledger.refused', { why: record.detail || record.refused }))
        : item ? make('span', {}, make('span', { class: 'version' }, words.say('version.short', { n: item.version })), ' ', told(item)) : make('span', { dir: 'auto' }, record.detail ?? '');
      return make('tr', { class: record.refused ? 'refused' : null }, make('td', { class: 'figure' }, words.day.format(Date.parse(record.at))), make('td', { dir: 'auto' }, record.by.name || words.say('itself')), make('td', {}, act), make('td', { title: item ? joined(item) : null }, what));
    }));
    tell(said, found.length ? '' : words.say('ledger.none'));
  };
  const load = async () => {
    const first = records.at(-1)?.number;
    const which = first ? `after=${Math.max(0, first - PAGE - 1)}&limit=${Math.min(PAGE, first - 1)}` : `limit=${PAGE}`;
    try {
      const answer = await get(address(channel, '', `audit?${which}`));
      if (!answer.ok) throw new Lost(answer.document.detail);
      const found = first ? answer.document.records.reverse() : answer.document.records;
      records = [...records, ...found];
      older.hidden = (records.at(-1)?.number ?? 1) <= 1;
      draw();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      tell(said, words.say('history.lost'));
    }
  };
  const look = async () => {
    const at = fromLocal(moment.value);
    if (at === null) return;
    try {
      const answer = await get(address(channel, '', `at?time=${encodeURIComponent(new Date(at).toISOString())}`));
      if (!answer.ok) throw new Lost(answer.document.detail);
      bar.replaceChildren(...answer.document.items.map((/** @type {any} */ item) => make('li', {}, told(item))));
      if (!answer.document.items.length) bar.replaceChildren(make('li', {}, words.say('ledger.barEmpty')));
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      bar.replaceChildren(make('li', {}, words.say('history.lost')));
    }
  };
  await load();
}
