/** What can be done to an item, by its state and by what one's key may do. No DOM. */

/** @typedef {'correct'|'update'|'refile'|'pin'|'unpin'|'hold'|'expire'|'retract'|'undo'|'release'|'approve'|'now'|'replace'|'history'} Act */

/** The scope that an act needs. */
const SCOPES = /** @type {Record<Act, string>} */ ({
  correct: 'correct', update: 'correct', refile: 'correct', pin: 'correct', unpin: 'correct', hold: 'correct', expire: 'correct',
  undo: 'correct', release: 'correct', now: 'correct', retract: 'retract', approve: 'publish', replace: 'publish', history: 'read',
});

/** One key for each; where it stands on the keyboard counts, so that it is the same on an Arabic one. */
export const KEYS = /** @type {Record<string, Act>} */ ({
  KeyC: 'correct', KeyU: 'update', KeyF: 'refile', KeyP: 'pin', KeyH: 'hold', KeyE: 'expire', KeyR: 'retract', KeyZ: 'undo',
  KeyL: 'release', KeyA: 'approve', KeyO: 'now', KeyV: 'history', KeyY: 'replace',
});

/** What can become of an item in this state; what is dangerous last, on its own. */
const LIFE = /** @type {Record<string, Act[]>} */ ({
  pending: ['approve', 'update', 'history', 'retract'],
  scheduled: ['undo', 'now', 'update', 'hold', 'history', 'retract'],
  published: ['correct', 'update', 'pin', 'hold', 'expire', 'refile', 'history', 'retract'],
  held: ['release', 'update', 'history', 'retract'],
  expired: ['history', 'retract'],
  retracted: ['replace', 'history'],
});

/**
 * @param {any} item
 * @param {{scopes: string[], key: {id: string}}} session
 * @param {number} now by the server's clock
 * @returns {{act: Act, refused: ''|'scope'|'own'}[]}
 */
export function permitted(item, session, now) {
  const acts = (LIFE[item.state ?? 'published'] ?? []).map((act) => (act === 'pin' && item.pinned_until ? 'unpin' : act));
  if (item.state === 'published' && item.push_at && Date.parse(item.push_at) > now) acts.unshift('undo');
  return acts.map((act) => {
    if (!session.scopes.includes(SCOPES[act])) return { act, refused: 'scope' };
    return { act, refused: act === 'approve' && item.author === session.key.id ? 'own' : '' };
  });
}

/** @param {string} code of a key @param {{act: Act}[]} permits @returns {Act|null} */
export function pressed(code, permits) {
  const act = KEYS[code];
  const found = permits.find((permit) => permit.act === act || (act === 'pin' && permit.act === 'unpin'));
  return found?.act ?? null;
}

/** The letter of an act, as it stands on a button. @param {Act} act */
export function letter(act) {
  const code = Object.keys(KEYS).find((name) => KEYS[name] === (act === 'unpin' ? 'pin' : act));
  return code ? code.slice(3) : '';
}
