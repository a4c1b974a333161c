/**
 * multiconn-client makes many connections to multiconn-server at once, and sends two
 * messages on each.
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
 *
 * Original: the tutorial's client, with its names; start_connections is a loop around
 * startConnection here. Left out: nothing. Added: connections that fail are said, and
 * the others go on; WRITE only until all is sent.
 */
import { errno, OSError, repr } from 'posix-select';
import { EVENT_READ, EVENT_WRITE, SELECTORS } from 'posix-select/selectors';
import {
  type Address,
  familyOf,
  SO_ERROR,
  SOL_SOCKET,
  Socket,
} from 'posix-select/socket';
import { Output, print, warn } from 'posix-select/terminal';

/** Bytes for one recv. */
const BUFFER_BYTES = 1024;

const MESSAGES = ['Message 1 from client.', 'Message 2 from client.'];
const MESSAGES_BYTES = Buffer.byteLength(MESSAGES.join(''));

/** The data of a connection. */
interface Data {
  sock: Socket;
  connid: number;
  /** Bytes that will have come back when all is done. */
  msgTotal: number;
  /** Bytes that have come back. */
  recvTotal: number;
  /** Still to be sent, after outb. */
  messages: Buffer[];
  outb: Buffer;
}

export function main(
  args: {
    host: string;
    port: number;
    numConns: number;
    selector: keyof typeof SELECTORS;
  },
  stop: number,
): number {
  const sel = new SELECTORS[args.selector]<Data | null>();
  const server: Address = [args.host, args.port];
  const output = new Output();
  let open = 0;
  let failures = 0;

  function fail(connid: number, reason: string): void {
    warn(`connection ${connid}: ${reason}`);
    failures += 1;
  }

  function startConnection(connid: number): void {
    print(`Starting connection ${connid} to ${repr(server)}`);
    const sock = new Socket(familyOf(server));
    try {
      sock.setblocking(false);
      const err = sock.connectEx(server);
      if (err !== 0 && err !== errno.EINPROGRESS) throw new OSError(err, 'connect');
      const messages = MESSAGES.map((message) => Buffer.from(message));
      const totals = { msgTotal: MESSAGES_BYTES, recvTotal: 0 };
      const data = { sock, connid, ...totals, messages, outb: Buffer.alloc(0) };
      sel.register(sock, EVENT_READ | EVENT_WRITE, data);
      open += 1;
    } catch (err) {
      sock.close();
      throw err;
    }
  }

  function serviceConnection(data: Data, mask: number): void {
    // Ready for the first time, it is connected, or has failed: SO_ERROR says which.
    const isNew = data.messages.length === MESSAGES.length;
    const err = isNew ? data.sock.getsockopt(SOL_SOCKET, SO_ERROR) : 0;
    if (err !== 0) throw new OSError(err, 'connect', { address: server });
    if (mask & EVENT_READ && !receive(data)) closeConnection(data);
    else if (mask & EVENT_WRITE) send(data);
  }

  /** Prints what has come; false when the connection is done. */
  function receive(data: Data): boolean {
    const received = data.sock.recv(BUFFER_BYTES);
    if (received.length > 0) {
      print(`Received ${repr(received)} from connection ${data.connid}`);
      data.recvTotal += received.length;
      return data.recvTotal < data.msgTotal;
    }
    // A readable socket with 0 bytes is at the end of the stream: the server has closed.
    fail(
      data.connid,
      `closed by the server after ${data.recvTotal} of ${data.msgTotal} bytes`,
    );
    return false;
  }

  function send(data: Data): void {
    if (data.outb.length === 0) data.outb = data.messages.shift() ?? data.outb;
    if (data.outb.length > 0) {
      print(`Sending ${repr(data.outb)} to connection ${data.connid}`);
      data.outb = data.outb.subarray(data.sock.send(data.outb));
    }
    // A socket is nearly always writable: with WRITE in vain, select would not wait.
    const isDone = data.outb.length + data.messages.length === 0;
    if (isDone) sel.modify(data.sock, EVENT_READ, data);
  }

  function closeConnection(data: Data): void {
    print(`Closing connection ${data.connid}`);
    sel.unregister(data.sock);
    data.sock.close();
    open -= 1;
  }

  // Without `stop` among them, Ctrl-C could not end the wait: it has no time limit.
  sel.register(stop, EVENT_READ, null);
  for (let connid = 1; connid <= args.numConns; connid++) {
    try {
      startConnection(connid);
    } catch (err) {
      fail(connid, (err as Error).message);
    }
  }

  while (open > 0) {
    // stdout, while nobody reads it: a print that waits would stop the loop.
    output.watch(sel);
    const ready = sel.select();
    output.flush();
    for (const [{ fileobj, data }, mask] of ready) {
      if (fileobj === stop) {
        print('Caught keyboard interrupt, exiting');
        sel.close();
        output.end();
        return 0;
      }
      if (data === null) continue;
      try {
        serviceConnection(data, mask);
      } catch (err) {
        if (!(err instanceof OSError)) throw err;
        fail(data.connid, err.message);
        closeConnection(data);
      }
    }
  }
  sel.close();
  output.end(stop);
  return failures === 0 ? 0 : 1;
}
