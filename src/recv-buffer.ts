/** Memory for what is received. */
import { markAsUntransferable } from 'node:worker_threads';

/** A Buffer, as `Buffer.alloc` makes it: what `recv` returns. */
export type Bytes = ReturnType<typeof Buffer.alloc>;

/** Bytes up to which a loop copies faster. */
const SHORT = 128;

/** Bytes from which Node's pool is not for them. */
const LONG = Buffer.poolSize / 2;

/** Bytes of the largest read that lands in the slab; one that asks for more gets memory of its own. */
const LARGEST = 65_536;

/** Bytes of a slab. */
const SLAB = 4 * LARGEST;

/** The rest of the slab, where everything lands: what is short is copied out of it, what is long stays there. */
let place = newSlab();

/** Several own a slab: none may take it to another thread. */
function newSlab(): Bytes {
  const memory = Buffer.allocUnsafeSlow(SLAB);
  markAsUntransferable(memory.buffer);
  return memory;
}

/**
 * Memory for a read of up to n bytes; it is free again once `received` has been called.
 *
 * @throws TypeError, RangeError for what is no number of bytes
 */
export function bufferFor(n: number): Bytes {
  checkSize(n);
  return n <= LARGEST ? place : Buffer.allocUnsafeSlow(n);
}

/** What has come, at its true size: a recv(65536) that gets 20 bytes costs 20. */
export function received(buffer: Bytes, got: number): Bytes {
  if (buffer !== place)
    return got > buffer.length / 2 ? buffer.subarray(0, got) : Buffer.from(buffer.subarray(0, got));
  if (got >= LONG) return kept(got);
  const data = Buffer.allocUnsafe(got);
  // A copy() of a few bytes costs more than they do: it makes a view first.
  if (got <= SHORT) for (let i = 0; i < got; i++) data[i] = buffer[i];
  else buffer.copy(data, 0, 0, got);
  return data;
}

function kept(size: number): Bytes {
  const data = place.subarray(0, size);
  const rest = place.subarray(size);
  place = rest.length < LARGEST ? newSlab() : rest;
  return data;
}

export function checkSize(n: number): void {
  if (!Number.isInteger(n)) throw new TypeError('the number of bytes must be an integer');
  if (n < 0) throw new RangeError(`the number of bytes cannot be negative (${n})`);
}
