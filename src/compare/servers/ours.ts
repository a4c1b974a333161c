/**
 * Runs one of our loops on a worker: `ours.js literal|shaped|selector [ARGS as JSON [FILE]]`. Prints its port. With a
 * file it is recorded there, as `--record` does.
 */
import { openSync } from 'node:fs';
import { runInWorker } from 'posix-select';
import './measured.js';

const [name = '', args = '{}', file] = process.argv.slice(2);
const recorder = file && {
  module: new URL('../../teach/trace/trace.js', import.meta.url),
  options: { program: name, args: [], record: { fd: openSync(file, 'w'), name: file } },
};
const loop = runInWorker(new URL(`./${name}.js`, import.meta.url), {
  args: JSON.parse(args),
  ...(recorder && { before: recorder }),
});
const [, port] = await loop.address;
console.log(port);
