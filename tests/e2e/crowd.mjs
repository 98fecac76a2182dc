/**
 * Many widgets without their nodes: the widget's own line and board, each with sockets of its own, as in as many
 * browsers. One browser could not: it holds six event streams to a server, and its pages wait for each other.
 *
 * `node --experimental-websocket crowd.mjs <address of the server> <how many>`; it answers each line that it is sent
 * (live, away, shown, returns) with one of JSON, and ends with its input.
 */

import http from 'node:http';
import { createInterface } from 'node:readline';

import { Board } from '../../web/widget/board.js';
import { Connection } from '../../web/widget/connection.js';
import { goneOf } from '../../web/widget/sharing.js';

const [src, count] = process.argv.slice(2);

/** What a browser gives to a page, which Node has not; as far as the line uses it. */
globalThis.EventSource = class {
  onopen = null;
  onmessage = null;
  onerror = null;
  #told = new EventTarget();

  constructor(address) {
    this.request = http.get(address, { agent: false, headers: { Accept: 'text/event-stream' } }, (answer) => {
      if (answer.statusCode !== 200) return this.onerror?.();
      this.onopen?.();
      answer.setEncoding('utf8');
      let text = '';
      answer.on('data', (more) => {
        const events = (text + more).split('\n\n');
        text = events.pop();
        for (const event of events) this.#tell(event.split('\n'));
      });
      answer.on('close', () => this.onerror?.());
    });
    this.request.on('error', () => this.onerror?.());
  }

  #tell(lines) {
    const value = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    const [type = 'message'] = value('event');
    const data = value('data').join('\n');
    if (!data) return;
    if (type === 'message') this.onmessage?.({ data });
    else this.#told.dispatchEvent(Object.assign(new Event(type), { data }));
  }

  addEventListener(...listener) {
    this.#told.addEventListener(...listener);
  }

  close() {
    this.onopen = this.onmessage = this.onerror = null;
    this.request.destroy();
  }
};

/** Node 20 tells by `error` alone that nobody is there; a browser says `close` as well, and at once. */
globalThis.WebSocket = class extends WebSocket {
  constructor(address) {
    super(address);
    this.addEventListener('error', () => this.onclose?.({ code: 1006, reason: '' }));
  }
};

const widgets = Array.from({ length: Number(count) }, () => {
  const widget = { board: new Board(10), status: '', back: 0 };
  const line = new Connection({
    src,
    channel: 'en',
    onStatus: (status) => (widget.status = status),
    onFrame: (frame) => {
      if (frame.type === 'snapshot' || frame.type === 'resume' || frame.type === 'reset') widget.back = Date.now();
      if (frame.items) widget.board.load(frame.items, goneOf(frame));
      for (const entry of frame.type === 'entry' ? [frame] : frame.entries ?? []) widget.board.apply(entry);
    },
  });
  line.start();
  return widget;
});

const answers = {
  live: () => widgets.filter(({ status }) => status === 'live').length,
  away: () => widgets.filter(({ status }) => status === 'offline').length,
  shown: () => widgets.map(({ board }) => board.items.map(({ headline }) => headline).join()),
  returns: () => widgets.map(({ back }) => back),
};
const input = createInterface({ input: process.stdin });
input.on('line', (question) => console.log(JSON.stringify(answers[question]())));
input.on('close', () => process.exit());
