// GraphQL over WebSocket (graphql-transport-ws): a subscription that goes on, and a mutation for each word.
import {EventEmitter, on} from 'node:events';
import {buildSchema} from 'graphql';
import {createClient} from 'graphql-ws';
import {useServer} from 'graphql-ws/use/ws';
import {WebSocket, WebSocketServer} from 'ws';

const schema = buildSchema(`
    type Query { here: Boolean }
    type Mutation { say(text: String!): Boolean }
    type Subscription { heard: String }`);

export function serve(server, took) {
    const said = new EventEmitter();
    const roots = {
        mutation: {
            say({text}) {
                took(text);
                return said.emit('said', text);
            },
        },
        subscription: {
            async* heard() {
                for await (const [text] of on(said, 'said'))
                    yield {heard: text};
            },
        },
    };
    useServer({schema, roots}, new WebSocketServer({server, path: '/graphql'}));
}

export function join(address, {up, down, heard}) {
    const client = createClient({
        url: `ws://${address}/graphql`,
        webSocketImpl: WebSocket,
        on: {connected: up, closed: (event) => down(event.code)},
    });
    const nothing = {next() {}, error: (e) => down(String(e)), complete() {}};
    client.subscribe({query: 'subscription { heard }'}, {...nothing, next: (m) => heard(m.data.heard)});
    return (text) => client.subscribe({query: 'mutation ($text: String!) { say(text: $text) }', variables: {text}}, nothing);
}
