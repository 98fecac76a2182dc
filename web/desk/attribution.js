/** Who says so, and what: `Reuters: Ceasefire signed` is two things. No DOM. */

/** The colon that ends an attribution: of one's own script, with a space or a wide form after it. */
const MARK = /^(?<who>[^:\uFF1A]{2,100}?)\s*(?::\s+|\uFF1A\s*)(?<what>\S.*)$/u;
const MOST_WORDS = 9;

/**
 * A pasted `X: Y` as attribution and headline. What looks like a sentence, an hour or an address is none.
 * @param {string} text
 * @returns {{attribution: string|null, headline: string}}
 */
export function split(text) {
  const line = text.trim();
  const found = MARK.exec(line)?.groups;
  if (!found) return { attribution: null, headline: line };
  const who = found.who.trim();
  const sentence = /[.!?؟。…](\s|$)/u.test(who.replace(/\b\p{L}{1,3}\./gu, ''));
  if (sentence || !/\p{L}/u.test(who) || who.split(/\s+/u).length > MOST_WORDS || /["“«„]/u.test(who[0])) {
    return { attribution: null, headline: line };
  }
  return { attribution: who, headline: found.what.trim() };
}

/** The same in one line again. @param {{attribution?: string|null, headline?: string}} said */
export const joined = ({ attribution, headline = '' }) => (attribution ? `${attribution}: ${headline}` : headline);
