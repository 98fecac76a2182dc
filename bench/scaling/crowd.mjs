/**
 * Readers with the widget's own line, before a fleet with a balancer: each attempt goes to the next of the ports that
 * are offered. Told on its input: `offer PORT,PORT`, `start N`, `live` (how many have a line), `told` (when, in ms since
 * 1970, each attempt, each line's beginning and each poll was); it answers each with a line of JSON.
 *
 * `node --experimental-websocket crowd.mjs`
 */

import { createInterface } from 'node:readline';

import '../../tests/e2e/sockets.mjs';
import { Connection } from '../../web/widget/connection.js';

let offered = [];
let turn = 0;
const attempts = [];
const joins = [];
const polls = [];
const widgets = [];

function sent(address, list) {
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  url.port = offered[turn++ % offered.length];
  list.push(Date.now());
  return url.href;
}

const { WebSocket, EventSource, fetch } = globalThis;
globalThis.WebSocket = class extends WebSocket {
  constructor(address) {
    super(sent(address, attempts));
  }
};
globalThis.EventSource = class extends EventSource {
  constructor(address) {
    super(sent(address, attempts));
  }
};
globalThis.fetch = (address, options) => fetch(sent(address, polls), options);

function start(count) {
  for (let number = 0; number < count; number++) {
    const widget = { status: '' };
    const line = new Connection({
      src: 'http://fleet.invalid/',
      channel: 'en',
      onStatus: (status) => (widget.status = status),
      // What is polled comes as a snapshot as well, but without the bounds that a line is told.
      onFrame: ({ type, reconnect }) => {
        if (reconnect && /^(snapshot|resume|reset)$/.test(type)) joins.push(Date.now());
      },
    });
    line.start();
    widgets.push(widget);
  }
}

const answers = {
  offer: (ports) => (offered = ports.split(',')),
  start: (count) => start(Number(count)),
  live: () => widgets.filter(({ status }) => status === 'live').length,
  told: () => ({ attempts, joins, polls }),
};
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const [question, given] = line.split(' ');
  console.log(JSON.stringify(answers[question](given) ?? null));
});
input.on('close', () => process.exit());
