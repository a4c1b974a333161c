/**
 * multiconn-client makes many connections to multiconn-server at once, and sends two messages on each.
 *
 *     $ posix-select multiconn-client 127.0.0.1 65432 2
 *     Starting connection 1 to ('127.0.0.1', 65432)
 *     Starting connection 2 to ('127.0.0.1', 65432)
 *     Sending b'Message 1 from client.' to connection 1
 *     Sending b'Message 1 from client.' to connection 2
 *     Received b'Message 1 from client.' from connection 1
 *     …
 *     Closing connection 1
 *
 * `--selector` runs the same loop on select, poll, epoll or kqueue.
 */
import { errno, OSError, repr } from 'posix-select';
import { EVENT_READ, EVENT_WRITE, SELECTORS } from 'posix-select/selectors';
import { familyOf, SO_ERROR, SOL_SOCKET, Socket } from 'posix-select/socket';
import { print, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_SIZE = 1024;

const MESSAGES = ['Message 1 from client.', 'Message 2 from client.'];

/** What goes with each socket. */
interface Data {
  connid: number;
  /** bytes that will have come back when all is done */
  msgTotal: number;
  /** bytes that have come back */
  recvTotal: number;
  messages: Buffer[];
  outb: Buffer;
}

export function main(
  args: { host: string; port: number; numConns: number; selector: keyof typeof SELECTORS },
  stop: number,
): number {
  const sel = new SELECTORS[args.selector]<Data | null>();
  let failures = 0;

  function fail(connid: number, reason: string): void {
    warn(`connection ${connid}: ${reason}`);
    failures += 1;
  }

  function startConnection(connid: number): void {
    print(`Starting connection ${connid} to ${repr([args.host, args.port])}`);
    const messages = MESSAGES.map((message) => Buffer.from(message));
    const msgTotal = messages.reduce((total, { length }) => total + length, 0);
    const sock = new Socket(familyOf([args.host, args.port]));
    try {
      sock.setblocking(false);
      const err = sock.connectEx([args.host, args.port]);
      if (err !== 0 && err !== errno.EINPROGRESS) throw new OSError(err, 'connect');
      const data = { connid, msgTotal, recvTotal: 0, messages, outb: Buffer.alloc(0) };
      sel.register(sock, EVENT_READ | EVENT_WRITE, data);
    } catch (err) {
      sock.close();
      throw err;
    }
  }

  function serviceConnection(sock: Socket, data: Data, mask: number): void {
    // What comes before the first message is sent, is connect's answer.
    const isNew = data.messages.length === MESSAGES.length;
    const err = isNew ? sock.getsockopt(SOL_SOCKET, SO_ERROR) : 0;
    if (err !== 0) throw new OSError(err, 'connect', { address: [args.host, args.port] });
    if (mask & EVENT_READ) {
      const received = sock.recv(BUFFER_SIZE);
      if (received.length > 0) print(`Received ${repr(received)} from connection ${data.connid}`);
      data.recvTotal += received.length;
      if (received.length === 0 || data.recvTotal >= data.msgTotal) {
        if (data.recvTotal < data.msgTotal) {
          fail(data.connid, `closed by the server after ${data.recvTotal} of ${data.msgTotal} bytes`);
        }
        closeConnection(sock, data);
        return;
      }
    }
    if (mask & EVENT_WRITE) {
      if (data.outb.length === 0) data.outb = data.messages.shift() ?? data.outb;
      if (data.outb.length > 0) {
        print(`Sending ${repr(data.outb)} to connection ${data.connid}`);
        data.outb = data.outb.subarray(sock.send(data.outb));
      }
      if (data.outb.length + data.messages.length === 0) sel.modify(sock, EVENT_READ, data);
    }
  }

  function closeConnection(sock: Socket, { connid }: Data): void {
    print(`Closing connection ${connid}`);
    sel.unregister(sock);
    sock.close();
  }

  sel.register(stop, EVENT_READ, null);
  for (let connid = 1; connid <= args.numConns; connid++) {
    try {
      startConnection(connid);
    } catch (err) {
      fail(connid, (err as Error).message);
    }
  }

  while ((sel.getMap()?.size ?? 0) > 1) {
    for (const [{ fileobj, data }, mask] of sel.select()) {
      if (data === null) {
        print('Caught keyboard interrupt, exiting');
        sel.close();
        return 0;
      }
      try {
        serviceConnection(fileobj as Socket, data, mask);
      } catch (err) {
        if (!(err instanceof OSError)) throw err;
        fail(data.connid, err.message);
        closeConnection(fileobj as Socket, data);
      }
    }
  }
  sel.close();
  return failures === 0 ? 0 : 1;
}
