/** How long a text is: for the eye, for the API, for a push. No DOM. */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const encoder = new TextEncoder();

/** Characters as people count them: an emoji of seven code points is one. @param {string} text */
export const characters = (text) => [...segmenter.segment(text)].length;

/** As the API counts, after it has tidied up. @param {string} text */
export const codePoints = (text) => [...text.normalize('NFC').trim()].length;

/** @param {string} text */
export const bytes = (text) => encoder.encode(text).length;

/** What a text says, whatever its case, width, punctuation, spaces and Arabic vowel signs: as the API compares. @param {string} text */
export function folded(text) {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]|[\u0640\u064B-\u065F\u0670]/gu, '');
}
