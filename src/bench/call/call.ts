/** One call of ours, of koffi's or of node:ffi's: `call.js WAY N SECONDS`. As call.c. */
import { readSync, writeSync } from 'node:fs';
import { FIRST_READ, firstWrite } from '../pairs.js';
import { WAYS } from './ways.js';

const PLACES = 16;
const BATCH = 50;
const WARM_UP_S = 0.1;

const [, , way = '', ...sizes] = process.argv;
const [n = 0, seconds = 0] = sizes.map(Number);
const rlist = Array.from({ length: n }, (_, i) => FIRST_READ + i);
const start = WAYS[way];
if (!start) throw new Error(`no way is called ${way}`);
const call = await start(rlist);
const byte = Buffer.from('x');

/** ns of a call at one place, for so many seconds */
function cost(place: number, seconds: number): number {
  writeSync(firstWrite(n) + place, byte);
  const ready = rlist[place] as number;
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

anywhere(WARM_UP_S);
console.log(
  JSON.stringify({ random: anywhere(seconds), first: cost(0, seconds), last: cost(n - 1, seconds) }),
);
