/** One channel as its readers see it: the window of the live stream, by the line that is held to the session. No DOM. */

import { Connection } from '/widget/v1/connection.js';
import { goneOf } from '/widget/v1/sharing.js';
import { Window } from '/widget/v1/window.js';

/** @import { Item } from '../widget/window.js' */
/** @import { Status } from '../widget/connection.js' */

const REVOKED = 4501;

export class Feed {
  /** @type {Window} */ #window;
  /** @type {Connection} */ #connection;
  /** @type {Status} */ status = 'connecting';
  loaded = false;
  /** The server's clock minus ours, milliseconds. */ offset = 0;

  /**
   * @param {{name: string, window: number}} channel
   * @param {{entry: (entry: any) => void, changed: () => void, turned: (status: Status) => void, ended: () => void}} told
   * @param {string} origin
   */
  constructor(channel, told, origin = location.origin) {
    this.#window = new Window(channel.window);
    this.#connection = new Connection({
      src: origin,
      channel: channel.name,
      // It ends with the key, and is no part of the audience.
      stream: 'desk',
      onFrame: (frame) => this.#hear(frame, told),
      onStatus: (status) => {
        this.status = status;
        told.turned(status);
      },
      onRefused: (code) => code === REVOKED && told.ended(),
    });
  }

  /** Pinned first, then newest first. @returns {Item[]} */
  get items() {
    return this.#window.items;
  }

  /** By the server's clock. */
  get now() {
    return Date.now() + this.offset;
  }

  start() {
    this.#connection.start();
  }

  stop() {
    this.#connection.stop();
  }

  wake() {
    this.#connection.wake();
  }

  /** @param {any} frame @param {{entry: (entry: any) => void, changed: () => void}} told */
  #hear(frame, told) {
    const time = Date.parse(frame.time);
    if (Number.isFinite(time) && !frame.stale) this.offset = time - Date.now();
    if (frame.type === 'heartbeat') return;
    if (frame.type === 'entry' || frame.type === 'resume') {
      for (const entry of frame.entries ?? [frame]) {
        if (!entry?.item?.id) continue;
        this.#window.apply(entry);
        told.entry(entry);
      }
    } else {
      this.#window.load(frame.items ?? [], goneOf(frame));
      this.loaded = true;
    }
    told.changed();
  }
}
