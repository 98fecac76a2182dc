/** Elements with text in them, and nothing but text. */

/**
 * An element. What is text becomes text, whatever stands in it.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const INLINE = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/g;

/**
 * A sentence with `code` and [links](/to/pages): nodes, in their order. Only links within this service become links.
 * @param {string} text
 */
export function inline(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > from) nodes.push(text.slice(from, found.index));
    const [whole, code, label, address] = found;
    if (code) nodes.push(make('code', {}, code));
    else if (/^\/(?!\/)/.test(address)) nodes.push(make('a', { href: address }, ...inline(label)));
    else nodes.push(label);
    from = found.index + whole.length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/**
 * Paragraphs and lists.
 * @param {string} text
 */
export function prose(text) {
  const blocks = [];
  for (const block of text.split(/\n{2,}/)) {
    const lines = block.split('\n');
    const items = lines.filter((line) => line.startsWith('- '));
    const said = lines.filter((line) => !line.startsWith('- ')).join(' ');
    if (said) blocks.push(make('p', {}, ...inline(said)));
    if (items.length) blocks.push(make('ul', {}, ...items.map((item) => make('li', {}, ...inline(item.slice(2))))));
  }
  return blocks;
}

/**
 * A table; an empty column is left out.
 * @param {string[]} heads
 * @param {(Node | string)[][][]} rows
 */
export function table(heads, rows) {
  const used = heads.map((_, column) => rows.some((row) => row[column].length));
  const kept = (/** @type {unknown} */ _, /** @type {number} */ column) => used[column];
  return make(
    'table',
    {},
    make('thead', {}, make('tr', {}, ...heads.filter(kept).map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.filter(kept).map((cell) => make('td', {}, ...cell))))),
  );
}
