/**
 * Many widgets without their nodes: the widget's own line and board, each with sockets of its own, as in as many
 * browsers. One browser could not: it holds six event streams to a server, and its pages wait for each other.
 *
 * `node --experimental-websocket crowd.mjs <address of the server> <how many>`; it answers each line that it is sent
 * (live, away, shown, returns) with one of JSON, and ends with its input.
 */

import { createInterface } from 'node:readline';

import { Board } from '../../web/widget/board.js';
import { Connection } from '../../web/widget/connection.js';
import { goneOf } from '../../web/widget/sharing.js';
import './sockets.mjs';

const [src, count] = process.argv.slice(2);

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
