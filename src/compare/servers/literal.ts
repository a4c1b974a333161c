/** Echo as a C program would be written: fd_sets, descriptors, one buffer. */
import { FD_CLR, FD_ISSET, FD_SET, FD_SETSIZE, FdSet, selectFdSets } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { isGone } from 'posix-select/peer';
import { type Address, IPPROTO_TCP, type Socket, TCP_NODELAY } from 'posix-select/socket';

const BACKLOG = 4096;
const BUFFER_SIZE = 65_536;

export function main(_args: object, stop: number, listening: (address: Address) => void): number {
  const listener = new Listener(['127.0.0.1', 0], { backlog: BACKLOG });
  const lfd = listener.fileno();
  const conns: Socket[] = new Array(FD_SETSIZE);
  const buffer = new Uint8Array(BUFFER_SIZE);
  const master = new FdSet();
  const readfds = new FdSet();
  FD_SET(stop, master);
  FD_SET(lfd, master);
  let fdmax = Math.max(stop, lfd);
  listening(listener.getsockname());

  while (true) {
    let ready = selectFdSets(fdmax + 1, readfds.assign(master), null, null, null);
    for (let fd = 0; ready > 0; fd++) {
      if (!FD_ISSET(fd, readfds)) continue;
      ready--;
      if (fd === stop) return 0;
      if (fd === lfd) {
        for (const [conn] of listener.acceptAll()) {
          conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
          conns[conn.fileno()] = conn;
          FD_SET(conn.fileno(), master);
          fdmax = Math.max(fdmax, conn.fileno());
        }
        continue;
      }
      const conn = conns[fd] as Socket;
      if (!echo(conn, buffer)) {
        FD_CLR(fd, master);
        conn.close();
      }
    }
  }
}

/** Whether the peer is still there. */
function echo(conn: Socket, buffer: Uint8Array): boolean {
  try {
    const got = conn.recvInto(buffer);
    if (got > 0) conn.sendall(buffer.subarray(0, got));
    return got > 0;
  } catch (err) {
    if (isGone(err)) return false;
    throw err;
  }
}
