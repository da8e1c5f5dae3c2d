// Yjs: a shared document, synchronised by y-websocket; its messages are binary, and nothing in the handshake names it.
import {createRequire} from 'node:module';

const require = createRequire(import.meta.url);  // its server is CommonJS, and two copies of Yjs do not mix
const {docs, setupWSConnection} = require('y-websocket/bin/utils');
const {WebsocketProvider} = require('y-websocket');
const {Doc} = require('yjs');
const {WebSocket, WebSocketServer} = require('ws');

const added = (event) => event.changes.delta.flatMap((part) => part.insert ?? []);

export function serve(server, took) {
    new WebSocketServer({server}).on('connection', (ws, request) => {
        const fresh = !docs.size;
        setupWSConnection(ws, request);
        if (fresh)
            docs.get('room').getArray('said').observe((event) => added(event).forEach(took));
    });
}

export function join(address, {up, down, heard}) {
    const doc = new Doc();
    const provider = new WebsocketProvider(`ws://${address}`, 'room', doc, {WebSocketPolyfill: WebSocket, disableBc: true});
    provider.on('status', ({status}) => status === 'connected' && up());
    provider.on('connection-close', (event) => down(event?.code ?? 0));
    doc.getArray('said').observe((event) => event.transaction.local || added(event).forEach(heard));
    return (text) => doc.getArray('said').push([text]);
}
