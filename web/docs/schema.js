/** JSON Schema in words. */

import { inline, make, table } from './dom.js';

/** @typedef {Record<string, any>} Schema */

const LONGEST_PATTERN = 60;

/**
 * What a value is, in a few words: nodes. A schema with a name of its own is a link to where it stands.
 * @param {Schema | boolean} schema
 * @returns {(Node | string)[]}
 */
export function words(schema) {
  if (schema === false) return ['nothing'];
  if (schema === true) return ['anything'];
  if (schema.$ref) return [named(schema.$ref), ...limits(schema)];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices && !schema.properties) return joined(choices.map(words), ' or ');
  if (schema.allOf?.length === 1) return words(schema.allOf[0]);
  if ('const' in schema) return [code(schema.const)];
  if (schema.enum) return joined(schema.enum.map((value) => [code(value)]), ', ');
  switch (schema.type) {
    case 'null':
      return [code(null)];
    case 'array':
      return [`list${amount(schema)}: `, ...words(schema.items ?? true)];
    case 'string':
      return [schema.format === 'date-time' ? 'time' : schema.format === 'uri' ? 'address' : 'text', ...limits(schema)];
    case 'integer':
      return ['whole number', ...limits(schema)];
    case 'boolean':
      return ['true or false'];
    case 'object':
      return schema.additionalProperties?.type ? ['object of ', ...words(schema.additionalProperties)] : ['object'];
    default:
      return [schema.type ?? 'anything'];
  }
}

/**
 * The fields of an object; null when it has none.
 * @param {Schema} schema
 */
export function fields(schema) {
  const properties = Object.entries(schema.properties ?? {});
  if (!properties.length) return null;
  const required = new Set(schema.required ?? []);
  return table(
    ['field', 'type', 'meaning'],
    properties.map(([name, field]) => [
      [make('code', {}, name), ...(required.has(name) ? [make('small', {}, ' required')] : [])],
      words(field),
      [...inline(field.description ?? ''), ...preset(field)],
    ]),
  );
}

/**
 * What is meant when nothing is said.
 * @param {Schema} schema
 */
export function preset(schema) {
  const value = schema.default;
  if (value === undefined || value === null || value === false || typeof value === 'object') return [];
  return [make('small', {}, schema.description ? '; ' : '', 'default ', code(value))];
}

/** @param {string} reference */
function named(reference) {
  const name = reference.split('/').at(-1) ?? '';
  return make('a', { href: `#schema-${name}` }, name);
}

/** @param {Schema} schema */
function amount({ maxItems, uniqueItems }) {
  return `${maxItems === undefined ? '' : ` of at most ${maxItems}`}${uniqueItems ? ', none twice' : ''}`;
}

/** @param {Schema} schema */
function limits(schema) {
  const said = [];
  const { minLength, maxLength, minimum, maximum, pattern } = schema;
  if (minLength !== undefined && maxLength !== undefined) said.push(`${minLength} to ${maxLength} characters`);
  else if (maxLength !== undefined) said.push(`at most ${maxLength} characters`);
  if (minimum !== undefined && maximum !== undefined) said.push(`${minimum} to ${maximum}`);
  else if (minimum !== undefined) said.push(`at least ${minimum}`);
  const nodes = said.length ? [`, ${said.join(', ')}`] : [];
  return pattern && pattern.length <= LONGEST_PATTERN ? [...nodes, ', ', make('code', {}, pattern)] : nodes;
}

/** @param {unknown} value */
function code(value) {
  return make('code', {}, typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * @param {(Node | string)[][]} parts
 * @param {string} between
 */
function joined(parts, between) {
  return parts.flatMap((part, number) => (number ? [between, ...part] : part));
}
