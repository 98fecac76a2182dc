/** Moments as editors write them, and time that passes. Milliseconds since 1970; no DOM, no clock of its own. */

const MINUTE = 60_000;
const UNITS = /** @type {Record<string, number>} */ ({ s: 1_000, m: MINUTE, h: 60 * MINUTE, d: 1_440 * MINUTE });

/**
 * `18:30` is the next one, `+10m` and `10m` are from now.
 * @param {string} text
 * @param {number} now
 * @returns {number|null}
 */
export function moment(text, now) {
  const span = /^\+?(\d{1,4})(s|m|h|d)$/i.exec(text);
  if (span) return now + Number(span[1]) * UNITS[span[2].toLowerCase()];
  const hour = /^(\d{1,2})[:.](\d{2})$/.exec(text);
  if (!hour || Number(hour[1]) > 23 || Number(hour[2]) > 59) return null;
  const found = new Date(now);
  found.setHours(Number(hour[1]), Number(hour[2]), 0, 0);
  if (found.getTime() <= now) found.setDate(found.getDate() + 1);
  return found.getTime();
}

/** As an `<input type=datetime-local>` has it. @param {number|null} ms */
export function local(ms) {
  if (ms === null || !Number.isFinite(ms)) return '';
  const shifted = new Date(ms - new Date(ms).getTimezoneOffset() * MINUTE);
  return shifted.toISOString().slice(0, 16);
}

/** @param {string} value of an `<input type=datetime-local>` @returns {number|null} */
export function fromLocal(value) {
  const ms = value ? new Date(value).getTime() : NaN;
  return Number.isFinite(ms) ? ms : null;
}

/** @param {number} ms that are left @returns {string} `0:09`, `12:30`, `26:00:00` */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
