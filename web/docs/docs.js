/** The reference for people: what /openapi.json and /asyncapi.json say, to read and to search. */

import { inline, make, prose, table } from './dom.js';
import { fields, preset, words } from './schema.js';

/** @typedef {Record<string, any>} Document */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const PROBLEM = 'application/problem+json';

const content = /** @type {HTMLElement} */ (document.getElementById('content'));
const contents = /** @type {HTMLElement} */ (document.getElementById('contents'));
const menu = /** @type {HTMLDetailsElement} */ (document.getElementById('menu'));
const state = /** @type {HTMLElement} */ (document.getElementById('state'));
const search = /** @type {HTMLInputElement} */ (document.getElementById('search'));
const found = /** @type {HTMLElement} */ (document.getElementById('found'));

/**
 * @param {string} address
 * @returns {Promise<Document>}
 */
async function load(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

/**
 * A part of the page with its place in the contents.
 * @param {string} id
 * @param {string} title
 * @param {string} about
 * @param {HTMLElement[]} cards
 */
function part(id, title, about, cards) {
  const links = cards.map((card) => {
    const label = JSON.parse(card.dataset.label ?? '[]');
    const [method, name] = label.length > 1 ? label : ['', label[0]];
    const first = method ? [make('span', { class: 'method' }, method)] : [];
    return make('li', { 'data-for': card.id }, make('a', { href: `#${card.id}` }, ...first, make('span', {}, name)));
  });
  contents.append(make('h2', { 'data-of': id }, title), make('ul', { 'data-of': id }, ...links));
  const said = about ? [make('p', {}, ...inline(about))] : [];
  content.append(make('section', { id, 'aria-labelledby': `${id}-title` }, make('h2', { id: `${id}-title` }, title), ...said, ...cards));
}

/**
 * @param {string} id
 * @param {string[]} label
 * @param {(Node | string | null)[]} head
 * @param {...(Node | null)} children
 */
function card(id, label, head, ...children) {
  const title = make('h3', {}, make('a', { href: `#${id}` }, ...head));
  return make('article', { id, class: 'card', 'data-label': JSON.stringify(label) }, title, ...children);
}

/**
 * @param {(Node | string)[]} summary
 * @param {...(Node | null)} children
 */
function folded(summary, ...children) {
  return make('details', {}, make('summary', {}, ...summary), make('div', { class: 'inside' }, ...children));
}

/**
 * @param {Document} api
 * @param {any} value
 */
function resolved(api, value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split('/').reduce((/** @type {any} */ at, /** @type {string} */ name) => at[name], api);
}

/** @param {Record<string, string[]>[]} security */
function access(security = []) {
  if (!security.length) return 'Public.';
  if (security.some((one) => !Object.keys(one).length)) return 'Public; with a key it says more.';
  const [scheme, scopes] = Object.entries(security[0])[0];
  if (scheme === 'session') return 'Needs a session.';
  return scopes.length ? `Needs a key with the scope \`${scopes.join(', ')}\`, or a session with it.` : 'Needs a key, or a session.';
}

/** @param {Document[]} parameters */
function taken(parameters) {
  return table(
    ['name', 'in', 'type', 'meaning'],
    parameters.map(({ name, in: place, required, schema, description = '' }) => [
      [make('code', {}, name), ...(required && place !== 'path' ? [make('small', {}, ' required')] : [])],
      [place],
      words(schema),
      [...inline(description), ...preset({ ...schema, description })],
    ]),
  );
}

/**
 * The refusals of one status: the end of each type, and what it means.
 * @param {string} description
 */
function refusals(description) {
  const rows = description.split('\n').map((line) => /^- `([^`]+)`: (.*)$/.exec(line) ?? ['', '', line]);
  return make(
    'dl',
    { class: 'refused' },
    ...rows.flatMap(([, slug, meaning]) => [
      make('dt', {}, make('a', { href: `#problem-${slug}` }, make('code', {}, slug))),
      make('dd', {}, ...inline(meaning)),
    ]),
  );
}

/**
 * @param {Document} api
 * @param {string} status
 * @param {Document} reference
 */
function answer(api, status, reference) {
  const { description, headers = {}, content: bodies = {}, links } = resolved(api, reference);
  const refused = PROBLEM in bodies;
  const names = Object.keys(headers);
  const shown = Object.entries(bodies).filter(([media]) => media !== PROBLEM);
  const summary = refused && !shown.length
    ? description.split('\n').map((/** @type {string} */ line) => /`([^`]+)`/.exec(line)?.[1] ?? line).join(', ')
    : description;
  const mediums = shown.map(([media, { schema }]) => make('p', {}, make('code', {}, media), ': ', ...words(schema)));
  return folded(
    [make('b', {}, status), make('span', {}, ...inline(summary))],
    ...mediums,
    refused ? refusals(description) : null,
    names.length
      ? table(['header', 'type', 'meaning'], names.map((name) => {
          const { schema, description: meaning = '' } = resolved(api, headers[name]);
          return [[make('code', {}, name)], words(schema), inline(meaning)];
        }))
      : null,
    links ? make('p', {}, 'Then: ', ...Object.keys(links).flatMap((name, number) => [number ? ', ' : '', make('a', { href: `#${name}` }, name)])) : null,
  );
}

/**
 * @param {Document} api
 * @param {string} path
 * @param {string} method
 * @param {Document} operation
 * @param {Document[]} inPath
 */
function operationCard(api, path, method, operation, inPath) {
  const parameters = [...inPath, ...(operation.parameters ?? [])];
  const body = operation.requestBody;
  const sent = body && Object.entries(body.content)[0];
  return card(
    operation.operationId,
    [method.toUpperCase(), path.replace('/v1/channels/{channel}', '…')],
    [make('span', { class: 'method' }, method.toUpperCase()), ' ', make('code', {}, path)],
    make('p', {}, ...inline(operation.summary)),
    make('p', { class: 'access' }, ...inline(access(operation.security))),
    parameters.length ? make('h4', {}, 'Parameters') : null,
    parameters.length ? taken(parameters) : null,
    body ? make('h4', {}, body.required ? 'Body' : 'Body, may be left out') : null,
    sent ? make('p', {}, make('code', {}, sent[0]), ': ', ...words(sent[1].schema)) : null,
    sent?.[1].example ? make('pre', { tabindex: '0', 'aria-label': 'Example' }, make('code', {}, JSON.stringify(sent[1].example, null, 2))) : null,
    make('h4', {}, 'Answers'),
    ...Object.entries(operation.responses).map(([status, reference]) => answer(api, status, reference)),
  );
}

/** @param {Document} api */
function operations(api) {
  const all = Object.entries(api.paths).flatMap(([path, { parameters = [], ...methods }]) =>
    METHODS.filter((method) => method in methods).map((method) => ({ path, method, parameters, operation: methods[method] })),
  );
  for (const { name, description } of api.tags) {
    const of = all.filter(({ operation }) => operation.tags[0] === name);
    if (!of.length) continue;
    const cards = of.map(({ path, method, operation, parameters }) => operationCard(api, path, method, operation, parameters));
    part(`tag-${name.toLowerCase().replaceAll(' ', '-')}`, name, description, cards);
  }
  return all.map(({ operation }) => operation);
}

/** @param {Document} live */
function stream(live) {
  const [channel] = /** @type {any[]} */ (Object.values(live.channels));
  const query = Object.entries(channel.bindings.ws.query.properties);
  const asked = table(
    ['query', 'type', 'meaning'],
    query.map(([name, schema]) => [[make('code', {}, name)], words(schema), inline(schema.description ?? '')]),
  );
  const line = card(
    'live',
    ['WS', channel.address.replace('/v1/channels/{channel}', '…')],
    [make('span', { class: 'method' }, 'WebSocket'), ' ', make('code', {}, channel.address)],
    ...prose(live.info.description),
    make('h4', {}, 'Query'),
    asked,
    make('h4', {}, channel.description.split('\n')[0].replace(':', '')),
    ...prose(channel.description.split('\n').slice(1).join('\n')),
  );
  const frames = Object.entries(live.components.messages).map(([name, frame]) =>
    card(
      `frame-${name}`,
      [name],
      [make('code', {}, name)],
      make('p', {}, ...inline(frame.summary)),
      ...prose(frame.description ?? ''),
      fields(resolved(live, frame.payload)),
    ),
  );
  part('stream', 'Live stream', '', [line, ...frames]);
}

/**
 * Every refusal there is, and who answers it.
 * @param {Document} api
 * @param {Document[]} all
 */
function problems(api, all) {
  /** @type {Map<string, {status: string, meaning: string, from: string[]}>} */
  const known = new Map();
  for (const { operationId, responses } of all) {
    for (const [status, reference] of Object.entries(responses)) {
      const { description, content: bodies = {} } = resolved(api, reference);
      for (const line of PROBLEM in bodies ? description.split('\n') : []) {
        const [, slug, meaning] = /^- `([^`]+)`: (.*)$/.exec(line) ?? [];
        if (!slug) continue;
        if (!known.has(slug)) known.set(slug, { status, meaning, from: [] });
        known.get(slug)?.from.push(operationId);
      }
    }
  }
  const cards = [...known].sort(([a, { status: one }], [b, { status: other }]) => one.localeCompare(other) || a.localeCompare(b)).map(([slug, { status, meaning, from }]) =>
    card(
      `problem-${slug}`,
      [status, slug],
      [make('span', { class: 'method' }, status), ' ', make('code', {}, slug)],
      make('p', {}, ...inline(meaning)),
      from.length === all.length
        ? make('p', { class: 'access' }, 'Answered by every operation.')
        : make('p', { class: 'access' }, 'Answered by ', ...from.flatMap((name, number) => [number ? ', ' : '', make('a', { href: `#${name}` }, name)]), '.'),
    ),
  );
  part('problems', 'Refusals', 'Each is an `application/problem+json` whose `type` is `urn:ticker:problem:` and one of these names.', cards);
}

/** @param {Record<string, Document>} schemas */
function data(schemas) {
  const cards = Object.entries(schemas).map(([name, schema]) =>
    card(
      `schema-${name}`,
      [name],
      [name],
      ...prose(schema.description ?? ''),
      fields(schema) ?? make('p', {}, ...words(schema)),
    ),
  );
  part('schemas', 'Data', 'The objects that are sent and answered, field by field.', cards);
}

/** Show what holds every word that was typed. */
function filter() {
  const typed = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const intro of /** @type {NodeListOf<HTMLElement>} */ (content.querySelectorAll('.intro'))) intro.hidden = typed.length > 0;
  for (const section of content.querySelectorAll('section')) {
    let here = 0;
    for (const one of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll('.card'))) {
      const text = one.textContent?.toLowerCase() ?? '';
      one.hidden = !typed.every((word) => text.includes(word));
      if (!one.hidden) here += 1;
      const entry = /** @type {HTMLElement | null} */ (contents.querySelector(`[data-for="${CSS.escape(one.id)}"]`));
      if (entry) entry.hidden = one.hidden;
    }
    section.hidden = !here;
    for (const entry of /** @type {NodeListOf<HTMLElement>} */ (contents.querySelectorAll(`[data-of="${CSS.escape(section.id)}"]`))) entry.hidden = !here;
    shown += here;
  }
  found.textContent = typed.length ? (shown ? `${shown} found` : 'nothing') : '';
}

function follow() {
  for (const link of contents.querySelectorAll('a')) {
    if (link.hash === location.hash) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
  }
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.hidden) {
    search.value = '';
    filter();
  }
  target?.scrollIntoView();
}

const wide = matchMedia('(width >= 1024px)');
const unfold = () => (menu.open = wide.matches);
unfold();
wide.addEventListener('change', unfold);
contents.addEventListener('click', unfold);

try {
  const api = await load('/openapi.json');
  // A process may have only one half of the service.
  const live = '/asyncapi.json' in api.paths ? await load('/asyncapi.json') : null;
  document.title = `Ticker ${api.info.version}: the API`;
  const formats = ['/openapi.json', ...(live ? ['/asyncapi.json'] : [])];
  content.append(
    make('div', { class: 'intro' }, ...prose(api.info.description), make('p', { class: 'formats' }, ...formats.map((address) => make('a', { href: address }, make('code', {}, address))))),
  );
  const all = operations(api);
  if (live) stream(live);
  problems(api, all);
  data({ ...(live?.components.schemas ?? {}), ...api.components.schemas });
  state.remove();
  search.addEventListener('input', filter);
  addEventListener('hashchange', follow);
  addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== search && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === 'Escape' && search.value) {
      search.value = '';
      filter();
    }
  });
  if (location.hash) follow();
} catch (error) {
  state.textContent = `The description could not be loaded (${/** @type {Error} */ (error).message}). Reload the page to try again.`;
}
