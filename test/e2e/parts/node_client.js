// Node's `ws` as a client, driven by JSON lines: {open, protocols, options}, {send}, {close}; tells what it sees.
'use strict';
const WebSocket = require('ws');
const tell = (o) => process.stdout.write(JSON.stringify(o) + '\n');
let ws;

const commands = {
    open(c) {
        ws = new WebSocket(c.open, c.protocols || [], c.options || {});
        ws.on('open', () => tell({open: ws.protocol, extensions: ws.extensions}));
        ws.on('message', (data, binary) => tell({message: data.toString('latin1'), binary}));
        ws.on('ping', () => tell({ping: true}));
        ws.on('close', (code, reason) => tell({close: code, reason: reason.toString()}));
        ws.on('error', (e) => tell({error: e.message}));
        ws.on('unexpected-response', (request, answer) => {
            let body = '';
            answer.on('data', (d) => { body += d; });
            answer.on('end', () => tell({refused: answer.statusCode, body}));
        });
    },
    send(c) { ws.send(c.binary ? Buffer.from(c.send, 'latin1') : c.send); },
    close(c) { ws.close(c.close || undefined, c.reason); },
};

require('readline').createInterface({input: process.stdin})
    .on('line', (line) => {
        const c = JSON.parse(line);
        commands[Object.keys(commands).find((name) => name in c)](c);
    })
    .on('close', () => process.exit(0));
