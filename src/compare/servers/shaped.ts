/** Echo as a Python program would be written. `delay` is a handicap on purpose: seconds of idling a message. */
import { select } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import { type Address, IPPROTO_TCP, type Socket, TCP_NODELAY } from 'posix-select/socket';

const BACKLOG = 4096;
const BUFFER_SIZE = 65_536;

export function main(
  { delay = 0 }: { delay?: number },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener(['127.0.0.1', 0], { backlog: BACKLOG });
  const rlist = new Set<number | Socket>([stop, listener]);
  const outbox = new Outbox();
  listening(listener.getsockname());

  while (true) {
    const [readable, writable] = select(rlist, outbox.wlist, []);
    for (const conn of writable) outbox.flush(conn);
    for (const s of readable) {
      if (s === stop) return 0;
      if (s === listener) {
        for (const [conn] of listener.acceptAll()) {
          conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
          rlist.add(conn);
        }
        continue;
      }
      const conn = s as Socket;
      const data = recvOrEof(conn, BUFFER_SIZE);
      if (delay > 0) idle(delay);
      if (data.length > 0) {
        outbox.send(conn, data);
      } else {
        rlist.delete(conn);
        outbox.close(conn);
      }
    }
    for (const [conn] of outbox.lost) {
      rlist.delete(conn);
      outbox.close(conn);
    }
  }
}

function idle(seconds: number): void {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; );
}
