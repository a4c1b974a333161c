/** The memory that `recv` gives: of its own for each call, as long as what was received. */

/** A Buffer, as `Buffer.alloc` makes it: what `recv` returns. */
export type Bytes = ReturnType<typeof Buffer.alloc>;

/** Up to here a loop copies faster than `Buffer.copy`, which makes a view first. */
const MAX_LOOP_COPY_BYTES = 128;

/** From here on `Buffer.allocUnsafe` gives memory of its own, and not a part of Node's pool. */
const MIN_UNPOOLED_BYTES = Buffer.poolSize / 2;

const SCRATCH_BYTES = 65_536;

/** Where recv(2) puts what has come: how much that is, is known only afterwards. */
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Memory for recv(2) of up to n bytes; `received` makes what is returned of it.
 *
 * @throws TypeError, RangeError when n is no number of bytes
 */
export function bufferFor(n: number): Bytes {
  checkSize(n);
  return n <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(n);
}

/**
 * The first `got` bytes, in memory that holds nothing else; only what is shorter than half of Node's pool shares
 * that, as each short Buffer does. A recv(65536) that gets 20 bytes costs 20.
 */
export function received(buffer: Bytes, got: number): Bytes {
  if (buffer !== scratch && got === buffer.length) return buffer;
  const data = got < MIN_UNPOOLED_BYTES ? Buffer.allocUnsafe(got) : Buffer.allocUnsafeSlow(got);
  if (got <= MAX_LOOP_COPY_BYTES) for (let i = 0; i < got; i++) data[i] = buffer[i] as number;
  else buffer.copy(data, 0, 0, got);
  return data;
}

/** @throws TypeError, RangeError when n is no number of bytes */
export function checkSize(n: number): void {
  if (!Number.isInteger(n)) throw new TypeError('the number of bytes must be an integer');
  if (n < 0) throw new RangeError(`the number of bytes cannot be negative (${n})`);
}
