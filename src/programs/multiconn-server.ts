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
 *
 * Original: the tutorial's server, where onConnect is accept_wrapper, and the other
 * handlers together are service_connection. Left out: data.inb, which it never uses.
 * Added: WRITE only while there is something to send, where the original spins; a client
 * that does not read its echo is not read from; the memory for all has a bound.
 */
import { FD_SETSIZE, OSError, repr } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Pending, PendingMemory } from 'posix-select/outbox';
import { isFull, isGone, recvOrEof } from 'posix-select/peer';
import {
  EVENT_READ,
  EVENT_WRITE,
  SELECTORS,
  SelectSelector,
} from 'posix-select/selectors';
import { type Address, MSG_DONTWAIT, type Socket } from 'posix-select/socket';
import { Output, print, warn } from 'posix-select/terminal';

/** Bytes for one recv: no client makes the others wait for longer. */
const BUFFER_BYTES = 65_536;

/** From this part of --max-pending-total on, who has an echo to read is not read from. */
const HIGH_USAGE = 0.5;

/** The data of an accepted socket; the listener has null. */
interface Client {
  conn: Socket;
  addr: Address;
  /** What is to be echoed. */
  outb: Pending;
  /** The peer has sent all that it will. */
  ended: boolean;
}

export function main(
  args: {
    host: string;
    port: number;
    selector: keyof typeof SELECTORS;
    maxPending: number;
    maxPendingTotal: number;
  },
  stop: number,
  listening: (address: Address) => void,
): number {
  const sel = new SELECTORS[args.selector]<Client | null>();
  const listener = new Listener([args.host, args.port]);
  const clients = new Set<Client>();
  const memory = new PendingMemory(args.maxPendingTotal);
  const output = new Output();
  const fdEnd = sel instanceof SelectSelector ? FD_SETSIZE : Infinity;

  function onConnect(conn: Socket, addr: Address): void {
    const client = { conn, addr, outb: new Pending(memory), ended: false };
    try {
      sel.register(conn, EVENT_READ, client);
    } catch (err) {
      // epoll takes no more (ENOSPC: man 2 epoll_ctl): those inside are served on.
      if (!(err instanceof OSError)) throw err;
      conn.close();
      warn(`${repr(addr)}: closed at once: ${err.message}`);
      return;
    }
    print(`Accepted connection from ${repr(addr)}`);
    clients.add(client);
  }

  function onReadable(client: Client): void {
    const data = recvOrEof(client.conn, BUFFER_BYTES);
    // A readable socket with 0 bytes is at the end of the stream: the peer has closed.
    if (data.length === 0) client.ended = true;
    while (clients.has(client) && !client.outb.push(data)) cutOffSlowest();
  }

  function echo(client: Client): void {
    const { front } = client.outb;
    try {
      const sent = client.conn.send(front, MSG_DONTWAIT);
      print(`Echoing ${repr(front.subarray(0, sent))} to ${repr(client.addr)}`);
      client.outb.drop(sent);
    } catch (err) {
      if (isFull(err)) return;
      if (!isGone(err)) throw err;
      client.outb.clear();
      client.ended = true;
    }
  }

  /** Waits for what this client needs next; one that needs nothing is done. */
  function watch(client: Client): void {
    const maxBytes = memory.usage < HIGH_USAGE ? args.maxPending : 0;
    const isToRead = !client.ended && client.outb.size <= maxBytes;
    // A socket is nearly always writable: with WRITE in vain, select would not wait.
    const isToWrite = client.outb.size > 0;
    const events = (isToRead ? EVENT_READ : 0) | (isToWrite ? EVENT_WRITE : 0);
    if (events === 0) onLeave(client);
    else sel.modify(client.conn, events, client);
  }

  function onLeave(client: Client): void {
    print(`Closing connection to ${repr(client.addr)}`);
    clients.delete(client);
    client.outb.clear();
    sel.unregister(client.conn);
    client.conn.close();
  }

  /** Makes room for others: cuts off the client that keeps most waiting. */
  function cutOffSlowest(): void {
    const slowest = [...clients].reduce((a, b) => (b.outb.size > a.outb.size ? b : a));
    const total = `more than ${args.maxPendingTotal} bytes are waiting for all together`;
    warn(`${repr(slowest.addr)}: does not read: ${total}, and most for it`);
    onLeave(slowest);
  }

  // Without `stop` among them, Ctrl-C could not end the wait: it has no time limit.
  sel.register(stop, EVENT_READ);
  sel.register(listener, EVENT_READ, null);
  listening(listener.getsockname());
  print(`Listening on ${repr([args.host, listener.getsockname()[1]])}`);

  while (true) {
    const ready = sel.select();
    if (ready.some(([{ fileobj }]) => fileobj === stop)) break;
    output.flush();
    for (const [{ fileobj, data: client }, mask] of ready) {
      // A readable listener has a connection waiting: accept does not block.
      if (fileobj === listener)
        for (const [conn, addr] of listener.acceptAll(fdEnd)) onConnect(conn, addr);
      // One that was cut off in this round is no longer among the clients.
      if (client === null || !clients.has(client)) continue;
      if (mask & EVENT_READ) onReadable(client);
      if (client.outb.size > 0) echo(client);
      if (clients.has(client)) watch(client);
    }
    output.watch(sel);
  }

  print('Caught keyboard interrupt, exiting');
  listener.close();
  for (const { conn } of clients) conn.close();
  sel.close();
  output.end();
  return 0;
}
