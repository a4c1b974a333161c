/**
 * select-server prints who connects, what they send, and who leaves.
 *
 *     $ posix-select select-server 3490
 *     waiting for connections
 *     ('127.0.0.1', 61457): connected
 *     ('127.0.0.1', 61457) 22 bytes: b'test1: xajrxttphhlwmjf'
 *     ('127.0.0.1', 61457): disconnected
 *
 * Original: select_server.py. Left out: nothing. Added: a reset is a disconnection with
 * the right address, and Ctrl-C closes everything in good order.
 *
 * `select-server --literal` is the same program on fd_sets: select-server-literal.ts.
 */
import { repr, select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { Output, print } from 'posix-select/terminal';

/** Bytes for one recv: more than that is printed in pieces. */
const BUFFER_BYTES = 4096;

/** select() takes it, and gives it back, because it has a fileno(). */
class Client {
  constructor(
    readonly conn: Socket,
    /** From accept: getpeername(2) fails once the peer has reset the connection. */
    readonly address: Address,
  ) {}

  fileno(): number {
    return this.conn.fileno();
  }
}

export function main(
  args: { host: string; port: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([args.host, args.port]);
  const clients = new Set<Client>();
  const output = new Output();

  function onConnect(conn: Socket, address: Address): void {
    clients.add(new Client(conn, address));
    print(`${repr(address)}: connected`);
  }

  function onReadable(client: Client): void {
    const data = recvOrEof(client.conn, BUFFER_BYTES);
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (data.length === 0) onLeave(client);
    else print(`${repr(client.address)} ${data.length} bytes: ${repr(data)}`);
  }

  function onLeave(client: Client): void {
    print(`${repr(client.address)}: disconnected`);
    clients.delete(client);
    client.conn.close();
  }

  listening(listener.getsockname());
  print('waiting for connections');

  while (true) {
    // Without `stop` in the list, Ctrl-C could not end this wait: it has no time limit.
    // In wlist is stdout while nobody reads it: a print that waits would stop the loop.
    const [readable] = select([stop, listener, ...clients], output.wlist, []);
    if (readable.includes(stop)) break;
    output.flush();
    for (const s of readable) {
      // A readable listener has a connection waiting: accept does not block.
      if (s === listener)
        for (const [conn, from] of listener.acceptAll()) onConnect(conn, from);
      // A readable client has sent something, or has left: recv does not block.
      if (s instanceof Client) onReadable(s);
    }
  }

  listener.close();
  for (const { conn } of clients) conn.close();
  output.end();
  return 0;
}
