/** The chain on ours: `wait.js WAY N ACTIVE WRITES SECONDS`. As wait.c. */
import { FD_ISSET, FD_SET, FdSet, select, selectFdSets } from 'posix-select';
import { EVENT_READ, SELECTORS } from 'posix-select/selectors';
import { AF_UNIX, SOCK_STREAM, Socket } from 'posix-select/socket';
import { FIRST_READ, firstWrite } from '../pairs.js';

const WARM_UP_MS = 100;

const [, , way = '', ...sizes] = process.argv;
const [n = 0, active = 0, each = 0, seconds = 0] = sizes.map(Number);
const socket = (fd: number) => new Socket(AF_UNIX, SOCK_STREAM, 0, fd);
const readers = Array.from({ length: n }, (_, i) => socket(FIRST_READ + i));
const writers = Array.from({ length: n }, (_, i) => socket(firstWrite(n) + i));
const byte = Buffer.from('e');
const into = Buffer.alloc(1);

let fired = 0;
let writes = 0;

function got(place: number): void {
  (readers[place] as Socket).recvInto(into);
  fired++;
  if (writes > 0) {
    writes--;
    (writers[(place + 1) % n] as Socket).send(byte);
  }
}

function waiter(): () => void {
  if (way === 'select') {
    const rlist = readers.map((reader) => reader.fileno());
    return () => {
      for (const fd of select(rlist, [], [])[0]) got(fd - FIRST_READ);
    };
  }
  if (way === 'selectFdSets') {
    const nfds = FIRST_READ + n;
    const master = new FdSet(Math.max(1024, nfds));
    for (const reader of readers) FD_SET(reader.fileno(), master);
    const readfds = new FdSet(master.size);
    return () => {
      let ready = selectFdSets(nfds, readfds.assign(master), null, null, null);
      for (let fd = FIRST_READ; ready > 0; fd++) {
        if (FD_ISSET(fd, readfds)) {
          got(fd - FIRST_READ);
          ready--;
        }
      }
    };
  }
  const sel = new SELECTORS[way as keyof typeof SELECTORS]<number>();
  for (const [place, reader] of readers.entries()) sel.register(reader, EVENT_READ, place);
  return () => {
    for (const [key] of sel.select()) got(key.data);
  };
}

const wait = waiter();

function round(): number {
  fired = 0;
  writes = each;
  for (let i = 0; i < active; i++) (writers[i * Math.floor(n / active)] as Socket).send(byte);
  while (fired < active + each) wait();
  return fired;
}

for (const begin = performance.now(); performance.now() - begin < WARM_UP_MS; ) round();
let events = 0;
const begin = performance.now();
let end = begin;
for (; end - begin < seconds * 1000; end = performance.now()) events += round();
console.log(JSON.stringify({ us: ((end - begin) / events) * 1000 }));
