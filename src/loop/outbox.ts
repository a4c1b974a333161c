/** Output for peers that do not read as fast as it comes. */
import { OSError } from '../posix/errors.js';
import { MSG_DONTWAIT, type Socket } from '../socket.js';

/** Bytes kept for a peer that does not read, unless said otherwise: 1 MiB. */
export const MAX_PENDING = 2 ** 20;

/** Bytes of memory that a peer's output begins with. */
const LEAST = 4096;

/**
 * What a socket has not taken yet, in one ring of memory however many messages it was: a peer that does not read
 * costs no more than the bytes that wait for it.
 */
class Pending {
  #memory = Buffer.allocUnsafeSlow(0);
  #first = 0;
  /** bytes */
  size = 0;
  /** The socket is to be closed once all is sent. */
  closing = false;

  /** The bytes that come first, as far as they lie together. */
  get front(): Uint8Array {
    return this.#memory.subarray(this.#first, this.#first + this.size);
  }

  /** @param most bytes that there will ever be */
  push(data: Uint8Array, most: number): void {
    const size = this.size + data.length;
    if (size > this.#memory.length) this.#grow(Math.min(most, Math.max(2 * size, LEAST)));
    const at = (this.#first + this.size) % this.#memory.length;
    const room = this.#memory.length - at;
    this.#memory.set(data.subarray(0, room), at);
    this.#memory.set(data.subarray(room));
    this.size = size;
  }

  /** Forgets bytes that come first. */
  drop(count: number): void {
    this.size -= count;
    this.#first = this.size === 0 ? 0 : (this.#first + count) % this.#memory.length;
  }

  #grow(length: number): void {
    const memory = Buffer.allocUnsafeSlow(length);
    const { front } = this;
    memory.set(front);
    memory.set(this.#memory.subarray(0, this.size - front.length), front.length);
    this.#memory = memory;
    this.#first = 0;
  }
}

/**
 * Sends what a socket takes at once and keeps the rest, until select() calls the socket writable: a peer that is
 * slow, or never reads, delays nobody else.
 *
 *     const [readable, writable] = select(rlist, outbox.wlist, []);
 *     for (const conn of writable) outbox.flush(conn);
 *     …
 *     for (const [conn, reason] of outbox.lost) …
 */
export class Outbox {
  readonly #maxPending: number;
  readonly #pending = new Map<Socket, Pending>();

  /** The peers that could not be sent to, with the reason: gone, or over the bound. `close` takes them out. */
  readonly lost = new Map<Socket, string>();

  /** @param maxPending bytes that are kept for a peer, at most */
  constructor(maxPending: number = MAX_PENDING) {
    this.#maxPending = maxPending;
  }

  /** The sockets that have output waiting: the loop's wlist. */
  get wlist(): Iterable<Socket> {
    return this.#pending.keys();
  }

  /** Bytes that wait for a socket. */
  size(conn: Socket): number {
    return this.#pending.get(conn)?.size ?? 0;
  }

  /** Sends now, or later; never waits. A peer that cannot be sent to is `lost`. */
  send(conn: Socket, data: Uint8Array): void {
    if (this.lost.has(conn) || data.length === 0) return;
    const pending = this.#pending.get(conn);
    const sent = pending ? 0 : this.#trySend(conn, data);
    if (sent === data.length || this.lost.has(conn)) return;
    const rest = data.subarray(sent);
    if ((pending?.size ?? 0) + rest.length > this.#maxPending) {
      this.#lose(conn, `does not read: more than ${this.#maxPending} bytes are waiting for it`);
      return;
    }
    const waiting = pending ?? new Pending();
    waiting.push(rest, this.#maxPending);
    this.#pending.set(conn, waiting);
  }

  /** Goes on sending to a socket that select() has called writable. */
  flush(conn: Socket): void {
    const pending = this.#pending.get(conn);
    if (!pending) return;
    while (pending.size > 0) {
      const { front } = pending;
      const sent = this.#trySend(conn, front);
      if (this.lost.has(conn)) return;
      pending.drop(sent);
      if (sent < front.length) return;
    }
    this.#pending.delete(conn);
    if (pending.closing) this.close(conn);
  }

  /** Closes a socket: at once, or when what waits for it has been sent. */
  close(conn: Socket): void {
    const pending = this.#pending.get(conn);
    if (pending && !this.lost.has(conn)) {
      pending.closing = true;
    } else {
      this.#pending.delete(conn);
      this.lost.delete(conn);
      conn.close();
    }
  }

  /** Closes what `close` has left open until its output is sent: the loop has ended. */
  closeAll(): void {
    for (const conn of this.#pending.keys()) conn.close();
    this.#pending.clear();
  }

  /** @returns how many bytes were taken */
  #trySend(conn: Socket, data: Uint8Array): number {
    try {
      return conn.send(data, MSG_DONTWAIT);
    } catch (err) {
      if (!(err instanceof OSError)) throw err;
      if (err.code !== 'EAGAIN') this.#lose(conn, err.message);
      return 0;
    }
  }

  #lose(conn: Socket, reason: string): void {
    // Nobody waits for a socket that its server has closed already.
    if (this.#pending.get(conn)?.closing) {
      conn.close();
    } else {
      this.lost.set(conn, reason);
    }
    this.#pending.delete(conn);
  }
}
