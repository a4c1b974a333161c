/**
 * multiconn-server echoes what each of its clients sends.
 *
 *     $ posix-select multiconn-server 127.0.0.1 65432
 *     Listening on ('127.0.0.1', 65432)
 *     Accepted connection from ('127.0.0.1', 61354)
 *     Echoing b'Message 1 from client.' to ('127.0.0.1', 61354)
 *     Closing connection to ('127.0.0.1', 61354)
 *
 * `--selector` runs the same loop on select, poll, epoll or kqueue.
 */
import { FD_SETSIZE, OSError, repr } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { isGone, recvOrEof } from 'posix-select/peer';
import { EVENT_READ, EVENT_WRITE, SELECTORS, type SelectorKey, SelectSelector } from 'posix-select/selectors';
import { type Address, MSG_DONTWAIT, type Socket } from 'posix-select/socket';
import { print } from 'posix-select/terminal';

/** Bytes for one recv, and for one send: what one peer gets at a time must not keep the others waiting. */
const BUFFER_SIZE = 65_536;

/** What goes with an accepted socket; the listener has null. */
interface Data {
  addr: Address;
  /** What is to be echoed. */
  outb: Buffer;
  /** The peer has sent all that it will. */
  ended: boolean;
}

export function main(
  args: { host: string; port: number; selector: keyof typeof SELECTORS; maxPending: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const sel = new SELECTORS[args.selector]<Data | null>();
  const lsock = new Listener([args.host, args.port]);
  sel.register(stop, EVENT_READ);
  sel.register(lsock, EVENT_READ, null);

  function acceptConnections(): void {
    const fdEnd = sel instanceof SelectSelector ? FD_SETSIZE : Infinity;
    for (const [conn, addr] of lsock.acceptAll(fdEnd)) {
      print(`Accepted connection from ${repr(addr)}`);
      sel.register(conn, EVENT_READ, { addr, outb: Buffer.alloc(0), ended: false });
    }
  }

  function serviceConnection(key: SelectorKey<Data | null>, mask: number): void {
    const sock = key.fileobj as Socket;
    const data = key.data as Data;
    if (mask & EVENT_READ) {
      const received = recvOrEof(sock, BUFFER_SIZE);
      if (received.length > 0) data.outb = Buffer.concat([data.outb, received]);
      else data.ended = true;
    }
    if (data.outb.length > 0) echo(sock, data);

    // WRITE only while there is something to send: a socket is nearly always writable, and the loop would spin.
    const reads = !data.ended && data.outb.length <= args.maxPending;
    const events = (reads ? EVENT_READ : 0) | (data.outb.length > 0 ? EVENT_WRITE : 0);
    if (events !== 0) {
      sel.modify(sock, events, data);
    } else {
      print(`Closing connection to ${repr(data.addr)}`);
      sel.unregister(sock);
      sock.close();
    }
  }

  function echo(sock: Socket, data: Data): void {
    try {
      const sent = sock.send(data.outb.subarray(0, BUFFER_SIZE), MSG_DONTWAIT);
      print(`Echoing ${repr(data.outb.subarray(0, sent))} to ${repr(data.addr)}`);
      data.outb = data.outb.subarray(sent);
    } catch (err) {
      if (err instanceof OSError && err.code === 'EAGAIN') return;
      if (!isGone(err)) throw err;
      data.outb = Buffer.alloc(0);
      data.ended = true;
    }
  }

  listening(lsock.getsockname());
  print(`Listening on ${repr([args.host, lsock.getsockname()[1]])}`);

  while (true) {
    for (const [key, mask] of sel.select()) {
      if (key.fileobj === stop) {
        print('Caught keyboard interrupt, exiting');
        for (const { fileobj } of sel.getMap()?.values() ?? [])
          if (fileobj !== stop) (fileobj as Socket).close();
        sel.close();
        return 0;
      }
      if (key.data === null) acceptConnections();
      else serviceConnection(key, mask);
    }
  }
}
