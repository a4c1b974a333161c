/** What a peer may do at any time: reset its connection, or vanish, alone or with its network. */
import { OSError, TimeoutError } from '../posix/errors.js';
import { sys } from '../posix/sys.js';
import { select } from '../select.js';
import { type Bytes, SHUT_WR, SO_ERROR, SOL_SOCKET, type Socket } from '../socket.js';
import { warn } from './terminal.js';

/** How long a peer that takes nothing is waited for. */
const STALL_MS = 30_000;

/** How long the end of a peer that has taken all is waited for, if it was little. */
const LINGER_MS = 200;

/** And longer, if it was much: a slow peer reads so many bytes in a millisecond. */
const SLOW_BYTES_PER_MS = 100;

/** How often `finish` looks whether the peer has taken something. */
const TICK_MS = 10;

/** Bytes for one recv of `finish`, which throws away what it reads. */
const BUFFER_BYTES = 65_536;

/** The errors of a socket, or a system, that has no room for more. */
const FULL = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM']);

/** The errors of a connection that has ended without a close: man 7 tcp, man 7 ip. EPROTOTYPE is macOS's. */
const GONE = new Set([
  ...['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNABORTED', 'ECONNREFUSED', 'ETIMEDOUT', 'EPROTO', 'EPROTOTYPE'],
  // What a router or a firewall on the way has answered (ICMP), and the network of this machine. On Linux EOPNOTSUPP
  // and ENOTSUP are one number.
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET', 'ENOPROTOOPT'],
  ...['ENONET', 'EOPNOTSUPP', 'ENOTSUP', 'EACCES', 'EPERM'],
]);

/** Whether an error says that the peer is gone, or that no network leads to it any more; `settimeout`'s says neither. */
export function isGone(err: unknown): boolean {
  return err instanceof OSError && GONE.has(err.code) && !(err instanceof TimeoutError);
}

/** Whether an error of send says that the socket or the system takes no more for now: it is to be tried again. */
export function isFull(err: unknown): boolean {
  return err instanceof OSError && FULL.has(err.code);
}

/**
 * `recv` for which a reset is an end of the stream like any other; and so it is where the system has no memory left to
 * receive with.
 *
 * @param n bytes, at most
 * @returns what has come; empty once the peer is gone
 */
export function recvOrEof(conn: Socket, n: number): Bytes {
  try {
    return conn.recv(n);
  } catch (err) {
    const hasNoMemory = isFull(err) && (err as OSError).code !== 'EAGAIN';
    if (hasNoMemory || isGone(err)) return Buffer.alloc(0);
    throw err;
  }
}

/** What a client knows when it ends, beside its connection. */
export interface Ending {
  /** The stop descriptor: Ctrl-C ends the wait. */
  stop?: number;
  /** Bytes that were to be sent, and that the socket has not been given. */
  unsent?: number;
  /** Bytes that the socket has taken so far: a slow peer may still have to read them. */
  sent?: number;
}

/**
 * Ends a connection so that the peer gets all that was sent: shuts the writing side, and reads on until the peer's end.
 * A socket that is closed while bytes wait to be read from it resets the connection (TCP), and what is still on its
 * way to the peer is lost. Waits as long as the peer takes bytes; a peer that takes none for 30 s is given up. What
 * was not delivered is said on stderr.
 *
 * @returns how many bytes were not delivered
 */
export function finish(conn: Socket, { stop, unsent = 0, sent = 0 }: Ending = {}): number {
  const undelivered = unsent + deliver(conn, stop, Math.min(STALL_MS, LINGER_MS + sent / SLOW_BYTES_PER_MS));
  conn.close();
  if (undelivered > 0) warn(`${undelivered.toLocaleString('en')} bytes were not delivered`);
  return undelivered;
}

/** @returns how many bytes the peer has not acknowledged */
function deliver(conn: Socket, stop: number | undefined, lingerMs: number): number {
  if (!shutWriting(conn)) return undeliveredBytes(conn);
  const stops = stop === undefined ? [] : [stop];
  let undelivered = Infinity;
  let deadlineMs = 0;
  let hasEnded = false;
  let isStopped = false;
  while (true) {
    const left = Math.max(0, undeliveredBytes(conn) - 1); // the shutdown counts as a byte
    if (left < undelivered) {
      undelivered = left;
      deadlineMs = performance.now() + (isStopped ? LINGER_MS : left > 0 ? STALL_MS : lingerMs);
    }
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0 || (undelivered === 0 && hasEnded)) return undelivered;
    // select() does not say when bytes are acknowledged: while some are not, it looks again and again.
    const tickMs = undelivered > 0 ? TICK_MS : isStopped ? 0 : leftMs;
    const rlist = [...(hasEnded ? [] : [conn]), ...(isStopped ? [] : stops)];
    const [readable] = select(rlist, [], [], Math.min(leftMs, tickMs) / 1000);
    if (readable.includes(conn)) {
      const data = recvOrReset(conn);
      if (data === null) return undelivered;
      hasEnded = data.length === 0;
    } else if (isBroken(conn) || (isStopped && undelivered === 0)) {
      return undelivered;
    }
    if (readable.some((s) => s === stop)) {
      isStopped = true;
      deadlineMs = performance.now() + LINGER_MS;
    }
  }
}

/** What has come; null when the peer has reset the connection. */
function recvOrReset(conn: Socket): Bytes | null {
  try {
    return conn.recv(BUFFER_BYTES);
  } catch (err) {
    if (isGone(err)) return null;
    throw err;
  }
}

function undeliveredBytes(conn: Socket): number {
  return Math.max(0, sys.siocoutq(conn.fileno()));
}

/** @returns false when the peer has broken the connection off already */
function shutWriting(conn: Socket): boolean {
  try {
    conn.shutdown(SHUT_WR);
    return true;
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    return false;
  }
}

/** Whether the connection was reset after the end of the peer's stream: recv(2) no longer says so. */
function isBroken(conn: Socket): boolean {
  return conn.getsockopt(SOL_SOCKET, SO_ERROR) !== 0;
}
