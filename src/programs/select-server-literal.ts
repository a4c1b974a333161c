/**
 * select-server on fd_sets, as a C program has them: `select-server --literal`.
 *
 * It prints, sends and survives what select-server.ts does; put the two side by side.
 * There, select() takes lists and returns the elements that are ready. Here, it takes
 * sets of bits and overwrites them: they are filled anew before each call, and every
 * descriptor is tested after it.
 *
 * Original: select_server.py, as `man 2 select` would write it.
 */
import {
  FD_CLR,
  FD_ISSET,
  FD_SET,
  FD_ZERO,
  FdSet,
  OSError,
  repr,
  selectFdSets,
} from 'posix-select';
import { Listener } from 'posix-select/listener';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { Output, print } from 'posix-select/terminal';

/** Bytes for one recv: more than that is printed in pieces. */
const BUFFER_BYTES = 4096;

interface Client {
  conn: Socket;
  /** From accept: getpeername(2) fails once the peer has reset the connection. */
  address: Address;
}

export function main(
  args: { host: string; port: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  /** By descriptor: a bit in an fd_set says no more of a client than that number. */
  const clients = new Map<number, Client>();
  const output = new Output();
  /** The descriptors to wait for. */
  const watched = new FdSet();
  /** The copy that select() overwrites. */
  const readfds = new FdSet();
  const writefds = new FdSet();

  function onConnect(conn: Socket, address: Address): void {
    clients.set(conn.fileno(), { conn, address });
    FD_SET(conn.fileno(), watched);
    print(`${repr(address)}: connected`);
  }

  function onReadable(client: Client): void {
    const data = recvOrEof(client.conn, BUFFER_BYTES);
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (data.length === 0) onLeave(client);
    else print(`${repr(client.address)} ${data.length} bytes: ${repr(data)}`);
  }

  function onLeave({ conn, address }: Client): void {
    print(`${repr(address)}: disconnected`);
    clients.delete(conn.fileno());
    FD_CLR(conn.fileno(), watched); // before close: the next accept may get this number
    conn.close();
  }

  FD_ZERO(watched);
  FD_SET(stop, watched);
  FD_SET(listener.fileno(), watched);
  listening(listener.getsockname());
  print('waiting for connections');

  while (true) {
    // select() leaves only the ready descriptors in its set: it gets a copy each time.
    readfds.assign(watched);
    // stdout, while nobody reads it: a print that waits would stop the loop.
    FD_ZERO(writefds);
    for (const stream of output.wlist) FD_SET(stream.fileno(), writefds);
    // nfds is the highest descriptor plus 1, not their number.
    const nfds = Math.max(stop, listener.fileno(), ...clients.keys()) + 1;
    try {
      selectFdSets(nfds, readfds, writefds, null, null);
    } catch (err) {
      // A signal has interrupted the wait, and no descriptor is ready: wait again.
      if (err instanceof OSError && err.code === 'EINTR') continue;
      throw err;
    }
    // Without `stop` in the set, Ctrl-C could not end this wait: it has no time limit.
    if (FD_ISSET(stop, readfds)) break;
    output.flush();
    for (let fd = 0; fd < nfds; fd++) {
      if (!FD_ISSET(fd, readfds)) continue;
      // A readable listener has a connection waiting: accept does not block.
      if (fd === listener.fileno())
        for (const [conn, from] of listener.acceptAll()) onConnect(conn, from);
      // A readable client has sent something, or has left: recv does not block.
      const client = clients.get(fd);
      if (client) onReadable(client);
    }
  }

  listener.close();
  for (const { conn } of clients.values()) conn.close();
  output.end();
  return 0;
}
