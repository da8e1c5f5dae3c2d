// An application's server: server.js NAME PORT. What it took of its clients' words it says in a line each.
import {createServer} from 'node:http';

const [name, port] = process.argv.slice(2);
const {serve} = await import(`./${name}.js`);
const server = createServer((request, response) => response.writeHead(404).end());
await serve(server, (text) => console.log(`took ${text}`));
server.listen(Number(port), '127.0.0.1', () => console.log(`listening 127.0.0.1:${port}`));
process.on('SIGTERM', () => process.exit(0));
