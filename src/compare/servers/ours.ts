/** Runs one of our loops on a worker: `ours.js literal|shaped|selector [ARGS as JSON]`. Prints its port. */
import { runInWorker } from 'posix-select';
import './measured.js';

const [name, args = '{}'] = process.argv.slice(2);
const loop = runInWorker(new URL(`./${name}.js`, import.meta.url), { args: JSON.parse(args) });
const [, port] = await loop.address;
console.log(port);
