/** Output for peers that do not read as fast as it comes. */
import { OSError } from '../posix/errors.js';
import { MSG_DONTWAIT, Socket } from '../socket.js';
import { isFull } from './peer.js';
import { Pending, PendingMemory } from './pending.js';

export { Pending, PendingMemory };

/** Bytes that are kept for a peer that does not read, unless said otherwise: 1 MiB. */
export const MAX_PENDING_BYTES = 2 ** 20;

/** Bytes that are kept for all peers together, unless said otherwise: 64 MiB. */
export const MAX_PENDING_TOTAL_BYTES = 2 ** 26;

/** Bytes of memory for what a round brings, to begin with. */
const LOG_BYTES = 65_536;

/** Bytes of that memory that are kept for the next round, at most. */
const MAX_KEPT_BYTES = 2 ** 22;

/** What an outbox sends to: a connection, or an object that has one and can stand in rlist and wlist itself. */
export type Peer = Socket | { readonly conn: Socket; fileno(): number };

const connOf = (peer: Peer): Socket => (peer instanceof Socket ? peer : peer.conn);

/** What a peer has not taken yet. */
class Unsent extends Pending {
  /** Whether the connection is to be closed once all is sent. */
  closing = false;
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
  readonly #maxPendingTotal: number;
  readonly #memory: PendingMemory;
  readonly #unsent = new Map<P, Unsent>();
  /** What goes to each peer together, with `sendQueued`: pieces of the log, as [from, to, from, to …]. */
  readonly #queued = new Map<P, number[]>();
  /**
   * Copies of a round's messages, one after the other. Most peers of a chat are sent all of them: that is one piece,
   * however many messages it is.
   */
  #log = Buffer.alloc(0);
  #logEnd = 0;
  #lastQueued: Uint8Array | null = null;
  #lastFrom = 0;
  #lastTo = 0;
  #together = Buffer.alloc(0);

  /** The peers that cannot be sent to, with the reason: gone, or over a bound. `close` takes them out. */
  readonly lost = new Map<P, string>();

  /** Bytes that sockets have taken. */
  sentBytes = 0;

  /** Bytes that were to be sent to peers that are lost: no socket has taken them, and none will. */
  lostBytes = 0;

  /**
   * @param maxPending bytes that are kept for a peer, at most
   * @param maxPendingTotal bytes that are kept for all peers together, at most, in pieces of 16 KiB: past it, the
   *   peer that keeps most waiting is lost
   */
  constructor(
    maxPending: number = MAX_PENDING_BYTES,
    maxPendingTotal: number = Math.max(maxPending, MAX_PENDING_TOTAL_BYTES),
  ) {
    this.#maxPending = maxPending;
    this.#maxPendingTotal = maxPendingTotal;
    this.#memory = new PendingMemory(maxPendingTotal);
  }

  /** The peers that output waits for: the loop's wlist. */
  get wlist(): Iterable<P> {
    if (this.#queued.size === 0) return this.#unsent.keys();
    return new Set([...this.#unsent.keys(), ...this.#queued.keys()]);
  }

  /** Bytes that wait for a peer. */
  size(peer: P): number {
    return (this.#unsent.get(peer)?.size ?? 0) + sizeOf(this.#queued.get(peer) ?? []);
  }

  /** Sends now, or later; never waits. A peer that cannot be sent to is `lost` from then on. */
  send(peer: P, data: Uint8Array): void {
    const queued = this.#queued.get(peer);
    if (!queued) {
      this.#send(peer, data);
      return;
    }
    this.#queued.delete(peer);
    this.#send(peer, this.#putTogether(queued, data));
  }

  /** Keeps it for `sendQueued`, which sends all that a round has brought for a peer in one send. */
  queue(peer: P, data: Uint8Array): void {
    if (!this.#isLastQueued(data)) {
      this.#lastQueued = data;
      this.#lastFrom = this.#copy(data);
      this.#lastTo = this.#logEnd;
    }
    const [from, to] = [this.#lastFrom, this.#lastTo];
    const queued = this.#queued.get(peer);
    if (this.lost.has(peer)) {
      this.lostBytes += to - from;
    } else if (!queued) {
      this.#queued.set(peer, [from, to]);
    } else if (queued.at(-1) === from) {
      queued[queued.length - 1] = to;
    } else {
      queued.push(from, to);
    }
  }

  /** Sends each peer what `queue` has kept for it, in one send. */
  sendQueued(): void {
    // What was put together for one peer is used for the next, where that one is sent the same.
    let before: number[] = [];
    let together: Uint8Array = this.#together;
    for (const [peer, queued] of this.#queued) {
      if (!isSame(queued, before)) together = this.#putTogether(queued);
      before = queued;
      this.#send(peer, together);
    }
    this.#queued.clear();
    this.#logEnd = 0;
    this.#lastQueued = null;
    if (this.#log.length > MAX_KEPT_BYTES) this.#log = Buffer.alloc(0);
    if (this.#together.length > MAX_KEPT_BYTES) this.#together = Buffer.alloc(0);
  }

  /** Goes on sending to a peer, after select() has said that it is writable. */
  flush(peer: P): void {
    if (this.#queued.has(peer)) this.send(peer, Buffer.alloc(0));
    const unsent = this.#unsent.get(peer);
    if (!unsent) return;
    while (unsent.size > 0) {
      const { front } = unsent;
      const sent = this.#trySend(peer, front);
      if (this.lost.has(peer) || unsent.size === 0) return;
      unsent.drop(sent);
      if (sent < front.length) return;
    }
    this.#unsent.delete(peer);
    if (unsent.closing) this.close(peer);
  }

  /** Closes a peer's connection: at once, or when what waits for it has been sent. */
  close(peer: P): void {
    this.send(peer, Buffer.alloc(0)); // what is queued
    const unsent = this.#unsent.get(peer);
    if (unsent && !this.lost.has(peer)) {
      unsent.closing = true;
    } else {
      this.lost.delete(peer);
      connOf(peer).close();
    }
  }

  /** Closes the connections that `close` has left open until their output is sent: the loop has ended. */
  closeAll(): void {
    for (const [peer, { closing }] of this.#unsent) if (closing) connOf(peer).close();
    for (const unsent of this.#unsent.values()) unsent.clear();
    this.#unsent.clear();
  }

  /** Whether these bytes were queued just before: the same memory, and the caller has not changed it since. */
  #isLastQueued(data: Uint8Array): boolean {
    if (data !== this.#lastQueued || data.length !== this.#lastTo - this.#lastFrom) return false;
    return this.#log.compare(data, 0, data.length, this.#lastFrom, this.#lastTo) === 0;
  }

  /** @returns where in the log it stands */
  #copy(data: Uint8Array): number {
    const from = this.#logEnd;
    this.#logEnd += data.length;
    if (this.#logEnd > this.#log.length) {
      const longer = Buffer.allocUnsafeSlow(Math.max(LOG_BYTES, 2 * this.#logEnd));
      longer.set(this.#log.subarray(0, from));
      this.#log = longer;
    }
    this.#log.set(data, from);
    return from;
  }

  /** In memory that is used again and again: what is sent at once, or copied, needs no memory of its own. */
  #putTogether(queued: number[], last?: Uint8Array): Uint8Array {
    const [begin, end] = queued;
    if (queued.length === 2 && !last) return this.#log.subarray(begin, end);
    const size = sizeOf(queued) + (last?.length ?? 0);
    if (size > this.#together.length) this.#together = Buffer.allocUnsafeSlow(2 * size);
    let at = 0;
    for (let i = 0; i < queued.length; i += 2) {
      const [from = 0, to = 0] = [queued[i], queued[i + 1]];
      this.#log.copy(this.#together, at, from, to);
      at += to - from;
    }
    if (last) this.#together.set(last, at);
    return this.#together.subarray(0, size);
  }

  #send(peer: P, data: Uint8Array): void {
    if (data.length === 0) return;
    const isWaiting = this.#unsent.has(peer);
    const sent = isWaiting || this.lost.has(peer) ? 0 : this.#trySend(peer, data);
    if (sent === data.length) return;
    if (!this.lost.has(peer)) this.#keep(peer, data.subarray(sent));
    if (this.lost.has(peer)) this.lostBytes += data.length - sent;
  }

  #keep(peer: P, data: Uint8Array): void {
    const unsent = this.#unsent.get(peer) ?? new Unsent(this.#memory);
    if (unsent.size + data.length > this.#maxPending) {
      this.#lose(peer, `does not read: more than ${this.#maxPending} bytes are waiting for it`);
      return;
    }
    this.#unsent.set(peer, unsent);
    while (!unsent.push(data)) {
      const slowest = this.#slowest(peer, data.length);
      const total = `more than ${this.#maxPendingTotal} bytes are waiting for all together`;
      this.#lose(slowest, `does not read: ${total}, and most for it`);
      if (slowest === peer) return;
    }
  }

  /** The peer that keeps most waiting, where so many bytes more are to wait for one. */
  #slowest(peer: P, more: number): P {
    let slowest = peer;
    let most = (this.#unsent.get(peer)?.size ?? 0) + more;
    for (const [other, { size }] of this.#unsent) if (size > most) [slowest, most] = [other, size];
    return slowest;
  }

  /** @returns how many bytes the socket has taken */
  #trySend(peer: P, data: Uint8Array): number {
    try {
      const sent = connOf(peer).send(data, MSG_DONTWAIT);
      this.sentBytes += sent;
      return sent;
    } catch (err) {
      if (!(err instanceof OSError)) throw err;
      if (!isFull(err)) this.#lose(peer, err.message);
      return 0;
    }
  }

  #lose(peer: P, reason: string): void {
    const unsent = this.#unsent.get(peer);
    // A server that has closed a connection already need not hear that it is lost.
    if (unsent?.closing) connOf(peer).close();
    else this.lost.set(peer, reason);
    this.#unsent.delete(peer);
    this.lostBytes += unsent?.size ?? 0;
    unsent?.clear();
  }
}

function isSame(pieces: number[], other: number[]): boolean {
  return pieces.length === other.length && pieces.every((at, i) => at === other[i]);
}

/** How many bytes the pieces have together. */
function sizeOf(pieces: number[]): number {
  return pieces.reduce((sum, at, i) => (i % 2 === 0 ? sum - at : sum + at), 0);
}
