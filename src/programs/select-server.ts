/**
 * select-server prints who connects, what they send, and who leaves.
 *
 *     $ posix-select select-server 3490
 *     waiting for connections
 *     ('127.0.0.1', 61457): connected
 *     ('127.0.0.1', 61457) 22 bytes: b'test1: xajrxttphhlwmjf'
 *     ('127.0.0.1', 61457): disconnected
 */
import { repr, select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { recvOrEof } from 'posix-select/peer';
import type { Address, Socket } from 'posix-select/socket';
import { print } from 'posix-select/terminal';

/** Bytes for one recv: what comes at once and is longer, is printed in pieces. */
const BUFFER_SIZE = 4096;

export function main(
  { host, port }: { host: string; port: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener([host, port]);
  const rlist = new Set<number | Socket>([stop, listener]);
  // Kept from accept: getpeername(2) fails once a peer has reset the connection.
  const addresses = new Map<Socket, Address>();

  listening(listener.getsockname());
  print('waiting for connections');

  while (true) {
    const [readable] = select(rlist, [], []);
    for (const s of readable) {
      if (s === stop) {
        for (const open of [listener, ...addresses.keys()]) open.close();
        return 0;
      }
      if (s === listener) {
        for (const [conn, address] of listener.acceptAll()) {
          rlist.add(conn);
          addresses.set(conn, address);
          print(`${repr(address)}: connected`);
        }
        continue;
      }
      const conn = s as Socket;
      const address = addresses.get(conn);
      const data = recvOrEof(conn, BUFFER_SIZE);
      if (data.length > 0) {
        print(`${repr(address)} ${data.length} bytes: ${repr(data)}`);
      } else {
        print(`${repr(address)}: disconnected`);
        rlist.delete(conn);
        addresses.delete(conn);
        conn.close();
      }
    }
  }
}
