/** Making nodes: text is only ever text, and an attribute is set by its name. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [name] its class; also its part, for the host page's style
 * @param {Record<string, string>} [attributes]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, name = '', attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (name) {
    node.className = name;
    node.setAttribute('part', name);
  }
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** @type {Record<string, string>} */
const PATHS = {
  pause: 'M5 3v10M11 3v10',
  play: 'M4 2.5v11l9-5.5z',
  previous: 'M10 3L5 8l5 5',
  next: 'M6 3l5 5-5 5',
  dismiss: 'M4 4l8 8M12 4l-8 8',
};

/** @param {string} name */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
