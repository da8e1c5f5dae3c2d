// MQTT over WebSocket: aedes, mqtt.js; QoS 1 is kept by the client until it is acknowledged.
import {Aedes} from 'aedes';
import mqtt from 'mqtt';
import {createWebSocketStream, WebSocketServer} from 'ws';

export async function serve(server, took) {
    const broker = await Aedes.createBroker();
    new WebSocketServer({server}).on('connection', (ws) => broker.handle(createWebSocketStream(ws)));
    broker.on('publish', (packet, client) => client && took(packet.payload.toString()));
}

export function join(address, {up, down, heard}) {
    const client = mqtt.connect(`ws://${address}/mqtt`);
    client.on('connect', () => client.subscribe('said', {qos: 1}, up));
    client.on('close', () => down('close'));
    client.on('error', (e) => down(e.message));
    client.on('message', (topic, text) => heard(text.toString()));
    return (text) => client.publish('said', text, {qos: 1});
}
