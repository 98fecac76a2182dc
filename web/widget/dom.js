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
  return dressed(document.createElement(tag), name ? { class: name, part: name, ...attributes } : attributes, ...children);
}

/**
 * @template {Element} Node
 * @param {Node} node
 * @param {Record<string, string>} attributes
 * @param {...(globalThis.Node|string)} children
 */
function dressed(node, attributes, ...children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** In 16 by 16 pixels; an arrow if nothing else, and the sheet turns the one that points back. @type {Record<string, string>} */
const PATHS = {
  pause: 'M5 3v10M11 3v10',
  play: 'M5 3v10l8-5z',
  dismiss: 'M4 4l8 8M4 12l8-8',
};

/** @param {string} tag */
const drawing = (tag) => document.createElementNS('http://www.w3.org/2000/svg', tag);

/** @param {string} name */
export const icon = (name) =>
  dressed(drawing('svg'), {}, dressed(drawing('path'), { d: PATHS[name] ?? 'M6 3l5 5-5 5' }));
