/** The fourth argument of select, in C's form: nobody writes, unless this program does. */
import { FD_SET, FD_ZERO, FdSet, selectFdSets } from 'posix-select';
import { socketpair } from 'posix-select/socket';

const [conn, peer] = socketpair();
const readfds = new FdSet();

function wait(timeout) {
  FD_ZERO(readfds);
  FD_SET(conn.fileno(), readfds);
  const begin = performance.now();
  const ready = selectFdSets(conn.fileno() + 1, readfds, null, null, timeout);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${ready} ready after ${seconds} s, left:`, timeout);
}

wait({ tv_sec: 0, tv_usec: 0 });
wait({ tv_sec: 0, tv_usec: 300_000 });
peer.send(Buffer.from('x'));
wait({ tv_sec: 5, tv_usec: 0 });
wait(null);
