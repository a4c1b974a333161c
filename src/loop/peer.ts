/** What the other end of a connection may do at any time: reset it, or go away, with its network. */
import { OSError } from '../posix/errors.js';
import { select } from '../select.js';
import { type Bytes, SHUT_WR, type Socket } from '../socket.js';

/** Milliseconds that `finish` waits for the peer to close its end. */
const PATIENCE = 200;

/** How a connection ends that is not closed: by the peer, by its silence, by the network between (man 7 tcp, 7 ip). */
const GONE = new Set([
  ...['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'ETIMEDOUT', 'EPROTO'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET', 'ENOPROTOOPT'],
]);

/** Whether an error says that the peer is gone, or the way to it. */
export function isGone(err: unknown): boolean {
  return err instanceof OSError && GONE.has(err.code);
}

/**
 * `recv` for which a reset is an end of the stream like any other.
 *
 * @param n bytes, at most
 * @returns what has come; empty once the peer is gone
 */
export function recvOrEof(conn: Socket, n: number): Bytes {
  try {
    return conn.recv(n);
  } catch (err) {
    if (isGone(err)) return Buffer.alloc(0);
    throw err;
  }
}

/**
 * Closes a connection so that the peer gets all that was sent: a socket closed with data unread resets it (TCP),
 * and what is still on its way is lost.
 */
export function finish(conn: Socket): void {
  try {
    conn.shutdown(SHUT_WR);
    const end = performance.now() + PATIENCE;
    for (let left = PATIENCE; left > 0; left = end - performance.now()) {
      if (select([conn], [], [], left / 1000)[0].length > 0 && recvOrEof(conn, 65_536).length === 0) break;
    }
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
  conn.close();
}
