/** The keys that count anywhere on the page; those of a row or of the text are dealt with there. */

/** @import { Shift } from './shift.js' */

/** @param {KeyboardEvent} event @param {Shift} shift */
export function pressed(event, shift) {
  if (event.defaultPrevented || event.repeat || document.querySelector('dialog[open]')) return;
  const { composer, heading, room } = shift;
  const writing = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  const inside = composer.node.contains(/** @type {Node} */ (event.target));
  if (event.key === 'F6') {
    if (inside) room.focus();
    else composer.focus();
  } else if (event.key === 'Escape') {
    if (inside && composer.draft.kind !== 'new') shift.leave();
    else composer.focus();
  } else if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.code === 'KeyN') composer.focus();
  else if (event.key === '?') heading.help();
  else return;
  event.preventDefault();
}
