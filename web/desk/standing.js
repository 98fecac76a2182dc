/** What stands and what waits, as rows: the readers' window beside what only editors are told. No DOM. */

/**
 * @typedef {object} Row
 * @property {any} item with its state
 * @property {string} by who made this version; empty while it is not known
 * @property {string} did the act that made it
 * @property {number|null} at the next moment that something happens by itself; null for nothing
 */

/**
 * An item as it is known best: the newer of what readers and editors were told, and all its fields when both agree.
 * @param {any} item @param {any} record
 */
function known(item, record) {
  const after = record?.after;
  if (!after || after.version < item.version) return { ...item, state: item.state ?? 'published' };
  return after;
}

/**
 * @param {any[]} items of the window
 * @param {Map<string, any>} records newest record of each item
 * @returns {Row[]} in the order of the window
 */
export function onAir(items, records) {
  return items.map((item) => {
    const record = records.get(item.id);
    const found = known(item, record);
    const same = record?.after?.version === found.version;
    const at = found.push_at ? Date.parse(found.push_at) : null;
    return { item: { ...found, pinned_until: item.pinned_until ?? found.pinned_until }, by: same ? record.by.name : '', did: same ? record.act : '', at };
  }).filter(({ item }) => item.state === 'published');
}

/**
 * @param {{pending: any[], scheduled: any[], held: any[]}} queue
 * @param {Map<string, any>} records
 * @returns {Row[]} what needs somebody first, then what comes first
 */
export function waiting(queue, records) {
  return [...queue.pending, ...queue.scheduled, ...queue.held].map((item) => {
    const record = records.get(item.id);
    const same = record?.after?.version === item.version;
    const at = item.state === 'scheduled' ? Math.max(...['publish_at', 'embargoed'].map((name) => Date.parse(item[name]) || 0)) : null;
    return { item, by: same ? record.by.name : '', did: same ? record.act : '', at };
  });
}

const GONE_MS = 24 * 3_600_000;

/**
 * @param {Map<string, any>} records
 * @param {number} now
 * @returns {Row[]} what has expired or was taken back lately, newest first
 */
export function gone(records, now) {
  return [...records.values()]
    .filter(({ at, after }) => ['expired', 'retracted'].includes(after.state) && now - Date.parse(at) < GONE_MS)
    .reverse()
    .slice(0, 20)
    .map((record) => ({ item: record.after, by: record.by.name, did: record.act, at: null }));
}

/**
 * A text that stands already and says the same, whatever its commas. The server has the last word.
 * @param {string} text folded
 * @param {any[]} items
 * @param {(item: any) => string} fold
 * @param {number} now
 */
export function similar(text, items, fold, now) {
  const HALF_AN_HOUR = 30 * 60_000;
  return text ? items.find((item) => now - Date.parse(item.versioncreated) < HALF_AN_HOUR && fold(item) === text) ?? null : null;
}
