/** Making nodes: text is only ever text, and an attribute is set by its name. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] `on…` is a listener; false and null are left out; true is empty
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** One stroke width for all. @type {Record<string, string>} */
const PATHS = {
  back: 'M10 3L5 8l5 5',
  close: 'M4 4l8 8M12 4l-8 8',
  more: 'M6 3l5 5-5 5',
  warn: 'M8 2.5l6 11H2zM8 7v3M8 11.6v.3',
  clock: 'M8 2.2a5.8 5.8 0 1 0 0 11.6 5.8 5.8 0 0 0 0-11.6zM8 5v3.2l2 1.4',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  check: 'M3 8.5l3.2 3.2L13 5',
};

/** @param {keyof typeof PATHS & string} name */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', name === 'back' || name === 'more' ? 'icon arrow' : 'icon');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** A text in the direction of its own item; attribution and headline are isolated from each other. @param {any} item */
export function told(item) {
  const direction = item.direction === 'rtl' || item.direction === 'ltr' ? item.direction : 'auto';
  const headline = make('bdi', { dir: direction, class: 'headline' }, item.headline ?? '');
  const parts = item.attribution ? [make('bdi', { class: 'attribution' }, item.attribution), ': ', headline] : [headline];
  return make('span', { class: 'told', dir: direction, lang: item.language || null }, ...parts);
}

/** Sets a text only when it is another one: what listens is not told the same twice. @param {Node} node @param {string} text */
export function tell(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A letter on a key. @param {...string} keys */
export const keys = (...keys) => make('span', { class: 'keys', 'aria-hidden': 'true' }, ...keys.map((key) => make('kbd', {}, key)));

/** ⌘ where that is what one presses. */
export const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';
