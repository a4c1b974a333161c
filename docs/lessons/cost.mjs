/** What does one wait cost with n descriptors, the last of them ready? In microseconds. */
import {
  EpollSelector,
  EVENT_READ,
  KqueueSelector,
  PollSelector,
  SelectSelector,
} from 'posix-select/selectors';
import { socketpair } from 'posix-select/socket';

const CALLS = 2000;
const best = process.platform === 'linux' ? EpollSelector : KqueueSelector;
const selectors = [SelectSelector, PollSelector, best];
console.log(`   n  ${selectors.map(({ name }) => name).join('  ')}`);

const conns = [];
for (const n of [10, 100, 400]) {
  while (conns.length < n) conns.push(socketpair());
  const [, peer] = conns.at(-1);
  peer.send(Buffer.from('x'));
  const costs = selectors.map((Selector) => {
    const selector = new Selector();
    for (const [conn] of conns) selector.register(conn, EVENT_READ);
    const wait = () => {
      for (let i = 0; i < CALLS; i++) selector.select();
    };
    wait(); // until the compiler has done its work
    const begin = performance.now();
    wait();
    const cost = ((performance.now() - begin) / CALLS) * 1000;
    selector.close();
    return cost.toFixed(1).padStart(Selector.name.length);
  });
  console.log(`${String(n).padStart(4)}  ${costs.join('  ')}`);
  conns.at(-1)[0].recv(1);
}
