/** Output for peers that do not read as fast as it comes. */
import { OSError } from '../posix/errors.js';
import { MSG_DONTWAIT, Socket } from '../socket.js';

/** Bytes that are kept for a peer that does not read, unless said otherwise: 1 MiB. */
export const MAX_PENDING = 2 ** 20;

/** Bytes of memory for the first output that a peer does not take. */
const FIRST_MEMORY_BYTES = 4096;

/** What an outbox sends to: a connection, or an object that has one and can stand in rlist and wlist itself. */
export type Peer = Socket | { readonly conn: Socket; fileno(): number };

const connOf = (peer: Peer): Socket => (peer instanceof Socket ? peer : peer.conn);

/**
 * What a socket has not taken yet, in one ring of memory however many messages it was: a peer that does not read
 * costs no more than the bytes that wait for it.
 */
class Pending {
  #memory = Buffer.allocUnsafeSlow(0);
  #first = 0;
  /** Bytes that wait. */
  size = 0;
  /** Whether the socket is to be closed once all is sent. */
  closing = false;

  /** The bytes that come first, up to the end of the memory. */
  get front(): Uint8Array {
    return this.#memory.subarray(this.#first, this.#first + this.size);
  }

  /** @param maxBytes how many will ever wait */
  push(data: Uint8Array, maxBytes: number): void {
    const size = this.size + data.length;
    if (size > this.#memory.length) this.#grow(Math.min(maxBytes, Math.max(2 * size, FIRST_MEMORY_BYTES)));
    const at = (this.#first + this.size) % this.#memory.length;
    const room = this.#memory.length - at;
    this.#memory.set(data.subarray(0, room), at);
    this.#memory.set(data.subarray(room));
    this.size = size;
  }

  /** Forgets the first bytes. */
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
 * Sends what a socket takes at once and keeps the rest until select() says that the socket is writable: a peer
 * that is slow, or never reads, delays nobody else.
 *
 *     const [readable, writable] = select(rlist, outbox.wlist, []);
 *     for (const peer of writable) outbox.flush(peer);
 *     …
 *     for (const [peer, reason] of outbox.lost) …
 */
export class Outbox<P extends Peer = Socket> {
  readonly #maxPending: number;
  readonly #pending = new Map<P, Pending>();

  /** The peers that cannot be sent to, with the reason: gone, or over the bound. `close` takes them out. */
  readonly lost = new Map<P, string>();

  /** @param maxPending bytes that are kept for a peer, at most */
  constructor(maxPending: number = MAX_PENDING) {
    this.#maxPending = maxPending;
  }

  /** The peers that output waits for: the loop's wlist. */
  get wlist(): Iterable<P> {
    return this.#pending.keys();
  }

  /** Bytes that wait for a peer. */
  size(peer: P): number {
    return this.#pending.get(peer)?.size ?? 0;
  }

  /** Sends now, or later; never waits. A peer that cannot be sent to is `lost` from then on. */
  send(peer: P, data: Uint8Array): void {
    if (this.lost.has(peer) || data.length === 0) return;
    const pending = this.#pending.get(peer);
    const sent = pending ? 0 : this.#trySend(peer, data);
    if (sent === data.length || this.lost.has(peer)) return;
    const rest = data.subarray(sent);
    if ((pending?.size ?? 0) + rest.length > this.#maxPending) {
      this.#lose(peer, `does not read: more than ${this.#maxPending} bytes are waiting for it`);
      return;
    }
    const waiting = pending ?? new Pending();
    waiting.push(rest, this.#maxPending);
    this.#pending.set(peer, waiting);
  }

  /** Goes on sending to a peer, after select() has said that it is writable. */
  flush(peer: P): void {
    const pending = this.#pending.get(peer);
    if (!pending) return;
    while (pending.size > 0) {
      const { front } = pending;
      const sent = this.#trySend(peer, front);
      if (this.lost.has(peer)) return;
      pending.drop(sent);
      if (sent < front.length) return;
    }
    this.#pending.delete(peer);
    if (pending.closing) this.close(peer);
  }

  /** Closes a peer's connection: at once, or when what waits for it has been sent. */
  close(peer: P): void {
    const pending = this.#pending.get(peer);
    if (pending && !this.lost.has(peer)) {
      pending.closing = true;
    } else {
      this.#pending.delete(peer);
      this.lost.delete(peer);
      connOf(peer).close();
    }
  }

  /** Closes the connections that `close` has left open until their output is sent: the loop has ended. */
  closeAll(): void {
    for (const peer of this.#pending.keys()) connOf(peer).close();
    this.#pending.clear();
  }

  /** @returns how many bytes the socket has taken */
  #trySend(peer: P, data: Uint8Array): number {
    try {
      return connOf(peer).send(data, MSG_DONTWAIT);
    } catch (err) {
      if (!(err instanceof OSError)) throw err;
      if (err.code !== 'EAGAIN') this.#lose(peer, err.message);
      return 0;
    }
  }

  #lose(peer: P, reason: string): void {
    // A server that has closed a connection already need not hear that it is lost.
    if (this.#pending.get(peer)?.closing) connOf(peer).close();
    else this.lost.set(peer, reason);
    this.#pending.delete(peer);
  }
}
