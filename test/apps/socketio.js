// Socket.IO: polling first, then an upgrade; what is emitted while there is no connection waits in the client.
import {Server} from 'socket.io';
import {io} from 'socket.io-client';

export function serve(server, took) {
    const all = new Server(server);
    all.on('connection', (one) => one.on('say', (text) => {
        took(text);
        all.emit('heard', text);
    }));
}

export function join(address, {up, down, heard}) {
    const socket = io(`http://${address}`);
    socket.on('connect', up);
    socket.on('disconnect', down);
    socket.on('connect_error', (e) => down(e.message));
    socket.on('heard', heard);
    return (text) => socket.emit('say', text);
}
