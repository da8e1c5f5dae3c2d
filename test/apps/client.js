// An application's client, on its own library with that library's own defaults: client.js NAME ADDRESS. Takes {say} as JSON
// lines; tells when it is up, when it is down again, what attempts failed in between, and what it heard.
import {createInterface} from 'node:readline';

const [name, address] = process.argv.slice(2);
const {join} = await import(`./${name}.js`);
const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
let isUp = false;

const say = join(address, {
    up() {
        isUp = true;
        tell({up: true});
    },
    down(why) {
        tell(isUp ? {down: why} : {failed: why});
        isUp = false;
    },
    heard: (text) => tell({heard: text}),
});

createInterface({input: process.stdin})
    .on('line', (line) => say(JSON.parse(line).say))
    .on('close', () => process.exit(0));
