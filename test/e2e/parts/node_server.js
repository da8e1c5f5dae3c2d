// Node's `ws` as a backend that echoes, with permessage-deflate as its argument (JSON) says.
'use strict';
const {WebSocketServer} = require('ws');
const perMessageDeflate = JSON.parse(process.argv[2]);
const server = new WebSocketServer({host: '127.0.0.1', port: 0, perMessageDeflate});

server.on('listening', () => console.log(`listening 127.0.0.1:${server.address().port}`));
server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, {binary})));
process.on('SIGTERM', () => process.exit(0));
