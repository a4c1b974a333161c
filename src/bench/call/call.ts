/** One call of ours, of koffi's or of node:ffi's: `call.js WAY N SECONDS`. As call.c. */
import { readSync, writeSync } from 'node:fs';
import { WAYS } from './ways.js';

const FIRST_READ = 24;
const PLACES = 16;
const BATCH = 50;
const WARM_UP = 0.1;

const way = process.argv[2];
const [n, seconds] = process.argv.slice(3).map(Number);
const firstWrite = Math.max(1024, FIRST_READ + n);
const rlist = Array.from({ length: n }, (_, i) => FIRST_READ + i);
const call = await WAYS[way](rlist);
const byte = Buffer.from('x');

/** ns of a call at one place, for so many seconds */
function cost(place: number, seconds: number): number {
  writeSync(firstWrite + place, byte);
  const ready = rlist[place];
  let calls = 0;
  const begin = performance.now();
  let end = begin;
  for (; end - begin < seconds * 1000; end = performance.now(), calls += BATCH) {
    for (let i = 0; i < BATCH; i++) if (call() !== ready) throw new Error('the wrong descriptor is ready');
  }
  readSync(ready, byte);
  return ((end - begin) / calls) * 1e6;
}

function anywhere(seconds: number): number {
  const places = Array.from({ length: PLACES }, (_, i) =>
    Math.floor(((((i * 11) % PLACES) * 2 + 1) * n) / (2 * PLACES)),
  );
  return places.reduce((sum, place) => sum + cost(place, seconds / PLACES), 0) / PLACES;
}

anywhere(WARM_UP);
console.log(
  JSON.stringify({ random: anywhere(seconds), first: cost(0, seconds), last: cost(n - 1, seconds) }),
);
