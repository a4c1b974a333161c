/** One trial of our own calls, in a process of its own. Arguments: select or selectFdSets, N, PLACE, SECONDS. */
import { FD_ISSET, FD_SET, FdSet, select, selectFdSets } from 'posix-select';
import { socketpair } from 'posix-select/socket';

const door = process.argv[2];
const [n, place, seconds] = process.argv.slice(3).map(Number);
const pairs = Array.from({ length: n / 2 }, () => socketpair());
const rlist = pairs.flat().map((end) => end.fileno());
pairs[place >> 1][1 - (place % 2)].send(Buffer.from('x'));
const ready = rlist[place];
const nfds = Math.max(...rlist) + 1;

const master = new FdSet();
for (const fd of rlist) FD_SET(fd, master);
const readfds = new FdSet();

const calls: Record<string, () => boolean> = {
  select: () => select(rlist, [], [])[0][0] === ready,
  selectFdSets: () =>
    selectFdSets(nfds, readfds.assign(master), null, null, null) === 1 && FD_ISSET(ready, readfds),
};
const call = calls[door];

function run(seconds: number): number {
  let count = 0;
  const begin = performance.now();
  let end = begin;
  for (; end - begin < seconds * 1000; end = performance.now()) {
    for (let i = 0; i < 100; i++, count++) if (!call()) throw new Error('the wrong descriptor is ready');
  }
  return ((end - begin) / count) * 1e6;
}

run(seconds / 4); // to be compiled
console.log(run(seconds));
for (const end of pairs.flat()) end.close();
