/** Echo on a selector, `--selector`'s choice. */
import { FD_SETSIZE } from 'posix-select';
import { Listener } from 'posix-select/listener';
import { Outbox } from 'posix-select/outbox';
import { recvOrEof } from 'posix-select/peer';
import { EVENT_READ, EVENT_WRITE, SELECTORS } from 'posix-select/selectors';
import { type Address, IPPROTO_TCP, type Socket, TCP_NODELAY } from 'posix-select/socket';

const BACKLOG = 4096;
const BUFFER_SIZE = 65_536;

export function main(
  { selector }: { selector: keyof typeof SELECTORS },
  stop: number,
  listening: (address: Address) => void,
): number {
  const listener = new Listener(['127.0.0.1', 0], { backlog: BACKLOG });
  const sel = new SELECTORS[selector]();
  const outbox = new Outbox();
  sel.register(stop, EVENT_READ);
  sel.register(listener, EVENT_READ);
  listening(listener.getsockname());

  function close(conn: Socket): void {
    sel.unregister(conn);
    outbox.close(conn);
  }

  while (true) {
    for (const [{ fileobj }, events] of sel.select()) {
      if (fileobj === stop) return 0;
      const conn = fileobj as Socket;
      if (conn === listener) {
        for (const [conn] of listener.acceptAll(selector === 'select' ? FD_SETSIZE : Infinity)) {
          conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
          sel.register(conn, EVENT_READ);
        }
        continue;
      }
      if (events & EVENT_WRITE) outbox.flush(conn);
      if (events & EVENT_READ) {
        const data = recvOrEof(conn, BUFFER_SIZE);
        if (data.length === 0) {
          close(conn);
          continue;
        }
        outbox.send(conn, data);
      }
      sel.modify(conn, outbox.size(conn) > 0 ? EVENT_READ | EVENT_WRITE : EVENT_READ);
    }
    for (const [conn] of outbox.lost) close(conn);
  }
}
