/** Many descriptors: select's limit, a larger set, and a selector that has no limit. */
import { FD_ISSET, FD_SET, FD_SETSIZE, FdSet, select, selectFdSets } from 'posix-select';
import { EVENT_READ, PollSelector } from 'posix-select/selectors';
import { socketpair } from 'posix-select/socket';

const pairs = [];
while ((pairs.at(-1)?.[0].fileno() ?? 0) < FD_SETSIZE) pairs.push(socketpair());
const [conn, peer] = pairs.at(-1);
const fd = conn.fileno();
peer.send(Buffer.from('x'));
console.log('the descriptor is beyond FD_SETSIZE:', fd >= FD_SETSIZE);

try {
  select([conn], [], [], 0);
} catch (err) {
  console.log(err.message);
}

const readfds = new FdSet(2 * FD_SETSIZE);
FD_SET(fd, readfds);
const ready = selectFdSets(fd + 1, readfds, null, null, { tv_sec: 0, tv_usec: 0 });
console.log('a larger fd_set:', ready, FD_ISSET(fd, readfds));

const selector = new PollSelector();
selector.register(conn, EVENT_READ);
console.log('poll:', selector.select(0).length);
