/** What a peer may do at any time: reset its connection, or vanish, alone or with its network. */
import { OSError, TimeoutError } from '../posix/errors.js';
import { select } from '../select.js';
import { type Bytes, SHUT_WR, type Socket } from '../socket.js';

/** How long `finish` waits for the peer to close its end. */
const FINISH_TIMEOUT_MS = 200;

/** Bytes for one recv of `finish`, which throws away what it reads. */
const BUFFER_BYTES = 65_536;

/** The errors of a connection that has ended without a close: man 7 tcp, man 7 ip. */
const GONE = new Set([
  ...['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'ETIMEDOUT', 'EPROTO'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET', 'ENOPROTOOPT'],
]);

/** Whether an error says that the peer is gone, or that no network leads to it any more; `settimeout`'s says neither. */
export function isGone(err: unknown): boolean {
  return err instanceof OSError && GONE.has(err.code) && !(err instanceof TimeoutError);
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
 * Closes a connection so that the peer gets all that was sent. A socket that is closed while bytes wait to be read
 * from it resets the connection (TCP), and what is still on its way to the peer is lost.
 */
export function finish(conn: Socket): void {
  try {
    conn.shutdown(SHUT_WR);
    const deadlineMs = performance.now() + FINISH_TIMEOUT_MS;
    for (let leftMs = FINISH_TIMEOUT_MS; leftMs > 0; leftMs = deadlineMs - performance.now()) {
      const [readable] = select([conn], [], [], leftMs / 1000);
      if (readable.length > 0 && recvOrEof(conn, BUFFER_BYTES).length === 0) break;
    }
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
  }
  conn.close();
}
