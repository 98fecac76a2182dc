/** What a browser gives to a page, and Node does not or does otherwise; as far as the widget's line uses it. */

import http from 'node:http';

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
