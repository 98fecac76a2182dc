// ws on Node: a post is sent to every reader, from one Buffer that nobody encodes again.
'use strict';

const http = require('node:http');
const path = require('node:path');
const { WebSocketServer } = require(path.join(process.env.BENCH_MODULES, 'ws'));

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    response.writeHead(201, { 'Content-Length': 0 });
    response.end();
    const body = Buffer.concat(parts);
    for (const reader of readers.clients) reader.send(body, { binary: false });
  });
});
const readers = new WebSocketServer({ server, perMessageDeflate: false, skipUTF8Validation: true });

server.keepAliveTimeout = 600000;
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });
