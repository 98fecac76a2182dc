/** Two texts side by side: which words are the same. No DOM. */

/** Above this many words a comparison word by word costs too much, and tells nobody anything. */
const MOST = 400;

/**
 * @param {string} before
 * @param {string} after
 * @returns {{before: {text: string, same: boolean}[], after: {text: string, same: boolean}[]}} pieces, in their order
 */
export function difference(before, after) {
  const [a, b] = [before, after].map((text) => text.match(/\s+|[^\s]+/gu) ?? []);
  if (a.length * b.length > MOST * MOST) {
    return { before: [{ text: before, same: before === after }], after: [{ text: after, same: before === after }] };
  }
  // The longest common run of words; lengths[i][j] is that of what follows a[i] and b[j].
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = { before: /** @type {any[]} */ ([]), after: /** @type {any[]} */ ([]) };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      put(found.before, a[i++], true);
      put(found.after, b[j++], true);
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) put(found.before, a[i++], false);
    else put(found.after, b[j++], false);
  }
  return found;
}

/** @param {{text: string, same: boolean}[]} pieces @param {string} text @param {boolean} same */
function put(pieces, text, same) {
  const last = pieces.at(-1);
  if (last?.same === same) last.text += text;
  else pieces.push({ text, same });
}
